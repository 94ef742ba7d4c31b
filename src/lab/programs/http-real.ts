import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

/** A real server of the lab: answers every request with its name, and counts what is uploaded to it. */
const { values } = parseArgs({
  options: { name: { type: 'string' }, listen: { type: 'string', multiple: true }, port: { type: 'string' } },
});
const { name = 'real', listen = [], port = '80' } = values;

for (const address of listen) {
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
  server.listen(Number(port), address, () => process.stdout.write(`listening on ${address}:${port}\n`));
}
