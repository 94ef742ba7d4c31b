// The program of the lab's client.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { RequestResult } from '../environment.ts';

/** The lab's client: one GET after another, each on a new connection; prints each result as a line of JSON. */
const { values } = parseArgs({
  options: { url: { type: 'string' }, 'interval-ms': { type: 'string' }, 'timeout-ms': { type: 'string' } },
});
const { url = 'http://127.0.0.1/' } = values;
const intervalMs = Number(values['interval-ms'] ?? 5);
const timeout = Number(values['timeout-ms'] ?? 2000);
const agent = new Agent({ keepAlive: false });

for (;;) {
  process.stdout.write(`${JSON.stringify(await request())}\n`);
  await sleep(intervalMs);
}

function request(): Promise<RequestResult> {
  const startedAt = Date.now();
  const { promise, resolve } = Promise.withResolvers<RequestResult>();
  const sent = get(url, { agent, timeout }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
    });
    response.on('end', () => resolve({ startedAt, real: body.trim(), error: undefined }));
    response.on('error', (error) => resolve({ startedAt, real: undefined, error: error.message }));
  });
  sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeout} ms`)));
  sent.on('error', (error) => resolve({ startedAt, real: undefined, error: error.message }));
  return promise;
}
