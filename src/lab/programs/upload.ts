// A program that uploads, and says how long it took.
import { request } from 'node:http';
import { parseArgs } from 'node:util';
import type { UploadResult } from '../environment.ts';

/** Posts so many bytes and prints, as a line of JSON, whether the server had them all within the time. */
const { values } = parseArgs({
  options: { url: { type: 'string' }, bytes: { type: 'string' }, 'timeout-ms': { type: 'string' } },
});
const bytes = Number(values.bytes ?? 100_000);
const startedAt = Date.now();

const sent = request(values.url ?? 'http://127.0.0.1/', { method: 'POST', agent: false }, (response) => {
  response.resume();
  response.on('end', () => finish(response.statusCode === 200));
});
sent.on('error', () => finish(false));
sent.end(Buffer.alloc(bytes, 'culvert '));
setTimeout(giveUp, Number(values['timeout-ms'] ?? 10_000));

/** Ends the upload with a reset; otherwise the kernel would retransmit into the next capture. */
function giveUp(): void {
  sent.socket?.resetAndDestroy();
  finish(false);
}

function finish(completed: boolean): void {
  const result: UploadResult = { completed, durationMs: Date.now() - startedAt };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}
