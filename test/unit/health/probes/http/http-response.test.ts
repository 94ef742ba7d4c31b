import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HttpResponse } from '../../../../../src/health/probes/http/http-response.ts';

/** What comes of these pieces, after which the server closes. */
function read(pieces: readonly Buffer[]): string {
  let body = '';
  const response = new HttpResponse((bytes) => {
    body += bytes.toString('latin1');
  });
  try {
    for (const piece of pieces) response.push(piece);
    response.end();
    return `${response.status} ${body}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const CUT = 'the answer was cut off';
const NOT_HTTP = 'the answer is not HTTP';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const ANSWERS = [
  ['HTTP/1.0 200 OK\r\n\r\nuntil the end', '200 until the end'],
  ['HTTP/1.1 200 OK\ncontent-length:  4\n\nbody and more', '200 body'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody', CUT],
  ['HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', '200 '],
  ['HTTP/1.1 204 No Content\r\n\r\n', '204 '],
  [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 503 No\r\n\r\nno',
    '503 no',
  ],
  [`${CHUNKED}5\r\nhello\r\n1;name=value\r\n!\r\n0\r\nTrailer: x\r\n\r\n`, '200 hello!'],
  [`${CHUNKED}5\r\nhello\r\n0\r\n`, CUT],
  [`${CHUNKED}5\r\nhel`, CUT],
  [`${CHUNKED}what\r\nhello`, NOT_HTTP],
  ['HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n', NOT_HTTP],
  ['HTTP/1.1 200 OK\r\nServer: x', CUT],
  ['HTTP/2 200 OK\r\n\r\n', NOT_HTTP],
  ['SSH-2.0-OpenSSH_9.2\r\n', NOT_HTTP],
  ['', 'the server closed without an answer'],
] as const;

test.each(ANSWERS)('%j: %s', (text, outcome) => {
  expect(read([Buffer.from(text, 'latin1')])).toBe(outcome);
});

test('it does not matter how an answer is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ANSWERS),
      fc.array(fc.nat(80), { maxLength: 12 }),
      ([text, outcome], cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pieces = places
          .slice(1)
          .map((to, index) => Buffer.from(text.slice(places[index], to), 'latin1'));
        expect(read(pieces)).toBe(outcome);
      },
    ),
  );
});

test('any bytes are an answer or come to words, and a head has an end', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (pieces) => {
      expect(read(pieces.map((piece) => Buffer.from(piece)))).toMatch(/^(the |\d)/);
    }),
  );
  expect(read([Buffer.from('HTTP/1.1 200 OK\r\n'), Buffer.alloc(70_000, 'x')])).toBe(NOT_HTTP);
});
