// What a gateway costs at the least: node:http that pipes a request to one upstream and its answer back, connections kept.
//   node plain-proxy.ts PORT UPSTREAM_PORT
import { Agent, createServer, request } from 'node:http';

const [, , port, upstream] = process.argv;
const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });
createServer((req, res) => {
  const { method, url, headers } = req;
  const onward = request({ host: '127.0.0.1', port: Number(upstream), method, path: url, headers, agent }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(res);
  });
  onward.on('error', () => res.destroy());
  req.pipe(onward);
}).listen(Number(port), '127.0.0.1');
