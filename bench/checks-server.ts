import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';

/**
 * What the checks of `checks.ts` connect to, in a process of its own: `tcp` or `http`, and the ports. On each line that
 * it is sent it tells what has come since the one before.
 */
const [kind, ...ports] = process.argv.slice(2);

/** Connections by the 10 ms in which they were accepted. */
let counts: number[] = [];
let startedMs = performance.now();

const open = (): Server =>
  kind === 'http' ? createHttpServer((_request, response) => response.end('ok\n')) : createServer(end);

for (const port of ports) {
  const server = open().listen({ host: '::', port: Number(port), backlog: 4096 });
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    const slot = Math.floor((performance.now() - startedMs) / 10);
    counts[slot] = (counts[slot] ?? 0) + 1;
  });
}
process.stdout.write('ready\n');

process.stdin.on('data', () => {
  const seen = Array.from(counts, (count) => count ?? 0);
  [counts, startedMs] = [[], performance.now()];
  process.stdout.write(`${JSON.stringify({ perSlot: seen })}\n`);
});

function end(socket: Socket): void {
  socket.end();
}
