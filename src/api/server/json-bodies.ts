// Bodies in JSON, with a limit on their values: parsing must not hold up checks and packets.
import { CulvertError } from '../../errors.ts';
import type { ApiServer } from './api-server.ts';

/** Several times what 10,000 reals take, each with a check of its own. Parsing so many takes less than 100 ms. */
export const MAX_JSON_VALUES = 1_000_000;

/** Has a server refuse bodies whose values are too many, whatever their length, before it parses them. */
export function limitJsonBodies(app: ApiServer): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (hasTooManyValues(body as Buffer)) {
      done(
        new CulvertError(
          'CONFIG_INVALID',
          `the body has more than ${MAX_JSON_VALUES} values; fix: send fewer`,
        ),
      );
      return;
    }
    void parse(request, body.toString(), done);
  });
}

/** Counts what separates and opens values. Those within strings count as well. */
function hasTooManyValues(body: Uint8Array): boolean {
  // Each of them takes a byte.
  if (body.length <= MAX_JSON_VALUES) return false;
  let count = 0;
  // Several times as fast as an iterator.
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === COMMA || byte === BRACE || byte === BRACKET) count++;
  }
  return count > MAX_JSON_VALUES;
}

const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;
