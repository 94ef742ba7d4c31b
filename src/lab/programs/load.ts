// A program that makes requests without a pause.
import { Agent, get } from 'node:http';
import { parseArgs } from 'node:util';

/** Requests without a pause on so many kept-alive connections for some seconds; prints requests per second. */
const { values } = parseArgs({
  options: { url: { type: 'string' }, connections: { type: 'string' }, seconds: { type: 'string' } },
});
const { url = 'http://127.0.0.1/' } = values;
const connections = Number(values.connections ?? 16);
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const startedMs = performance.now();
const endMs = startedMs + Number(values.seconds ?? 3) * 1000;
let answered = 0;

await Promise.all(Array.from({ length: connections }, run));
process.stdout.write(
  `${JSON.stringify({ perSecond: (answered * 1000) / (performance.now() - startedMs) })}\n`,
);
agent.destroy();

async function run(): Promise<void> {
  while (performance.now() < endMs) {
    await request();
    answered += 1;
  }
}

function request(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  get(url, { agent }, (response) => {
    response.resume();
    response.on('end', resolve);
  }).on('error', reject);
  return promise;
}
