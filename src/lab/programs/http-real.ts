// The program of the lab's real servers.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

/** A real server of the lab: answers every request with its name, and counts what is uploaded to it. */
const { values } = parseArgs({
  options: {
    name: { type: 'string' },
    listen: { type: 'string', multiple: true },
    port: { type: 'string', multiple: true },
  },
});
const { name = 'real', listen = [], port: ports = ['80'] } = values;
const endpoints = listen.flatMap((address) => ports.map((port) => ({ address, port: Number(port) })));
let left = endpoints.length;

for (const { address, port } of endpoints) {
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () =>
      response.end(request.method === 'POST' ? `${name} received ${bytes}\n` : `${name}\n`),
    );
  });
  server.keepAliveTimeout = 60_000;
  server.listen(port, address, () => {
    left -= 1;
    if (left === 0) process.stdout.write(`listening on ${listen.join(' and ')}\n`);
  });
}
