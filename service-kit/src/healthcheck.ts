// A container's HEALTHCHECK: exit 0 when the service on this port says that it is ready.
//   node healthcheck.ts PORT
const [, , port] = process.argv;
const ready = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(2_500) }).then(
  (response) => response.ok,
  () => false,
);
process.exit(ready ? 0 : 1);
