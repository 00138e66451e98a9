// A service that answers everything with the same small JSON, so that only the way to it is measured.
//   node trivial-upstream.ts PORT
import { createServer } from 'node:http';

const body = JSON.stringify({
  status: 'up',
  items: Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}` })),
});
createServer((_req, res) => {
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}).listen(Number(process.argv[2]), '127.0.0.1');
