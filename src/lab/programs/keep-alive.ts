// A program that keeps connections open, with requests on each.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/**
 * Holds so many connections open and sends request after request on each. Prints `open` when all are, and a line of JSON
 * for every connection that broke or was answered by another real than before; on SIGTERM a last line sums it up.
 */
const { values } = parseArgs({
  options: { url: { type: 'string' }, connections: { type: 'string' }, 'interval-ms': { type: 'string' } },
});
const { url = 'http://127.0.0.1/' } = values;
const connections = Number(values.connections ?? 20);
const intervalMs = Number(values['interval-ms'] ?? 20);
const byReal: Record<string, number> = {};
let broken = 0;
let requests = 0;
let opened = 0;

process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ requests, broken, byReal })}\n`, () => process.exit(0));
});
for (let index = 0; index < connections; index++) void hold(index);

async function hold(index: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let first: string | undefined;
  for (;;) {
    try {
      const { real, reused } = await ask(agent);
      if (first === undefined) {
        first = real;
        byReal[real] = (byReal[real] ?? 0) + 1;
        opened += 1;
        if (opened === connections) process.stdout.write('open\n');
      } else if (!reused || real !== first) {
        report(index, first, `${reused ? 'went' : 'opened again'} to ${real}`);
        first = real;
      }
    } catch (error) {
      report(index, first, error instanceof Error ? error.message : String(error));
    }
    await sleep(intervalMs);
  }
}

/** @param real whose connection it was */
function report(connection: number, real: string | undefined, what: string): void {
  broken += 1;
  process.stdout.write(`${JSON.stringify({ connection, real, at: Date.now(), what })}\n`);
}

function ask(agent: Agent): Promise<{ real: string; reused: boolean }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ real: string; reused: boolean }>();
  requests += 1;
  const sent = get(url, { agent, timeout: 3000 }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
    });
    response.on('end', () => resolve({ real: body.trim(), reused: sent.reusedSocket }));
    response.on('error', reject);
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer within 3000 ms')));
  sent.on('error', reject);
  return promise;
}
