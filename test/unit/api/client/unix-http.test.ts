import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, integer, property, uint8Array } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ChunkedDecoder } from '../../../../src/api/client/chunked-decoder.ts';
import { connectUnix, exchange } from '../../../../src/api/client/unix-http.ts';

let directory: string;
let path: string;
let server: Server | HttpServer | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-http-'));
  path = join(directory, 'http.sock');
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(directory, { recursive: true });
});

/** Answers each connection with these pieces, and closes it. */
async function answerWith(...pieces: readonly string[]): Promise<void> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    for (const piece of pieces) socket.write(piece);
    socket.end();
  }).listen(path);
  await once(server, 'listening');
}

async function get(): Promise<{ status: number; text: string }> {
  const { status, body } = await exchange(connectUnix(path), { method: 'GET', path: '/' });
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return { status, text: Buffer.concat(pieces).toString() };
}

describe('an answer', () => {
  test.each([
    ['of a known length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody and more'],
    ['that ends with the connection', 'HTTP/1.0 200 OK\r\n\r\nbody'],
    [
      'in chunks',
      'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3;x=y\r\nody\r\n0\r\nT: 1\r\n\r\n',
    ],
  ])('%s', async (_name, answer) => {
    await answerWith(...answer.match(/.|\s/gs)!);
    expect(await get()).toEqual({ status: 200, text: 'body' });
  });

  test.each([
    ['no HTTP', 'SSH-2.0-x\r\n\r\n', /not HTTP/],
    ['none', '', /closed without an answer/],
    ['less than its length', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbody', /cut off/],
    ['a chunk that is cut off', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nbody', /cut off/],
    [
      'a chunk without a size',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nbody\r\n',
      /is not the size of a chunk/,
    ],
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`, /is too long/],
  ])('%s is an error', async (_name, answer, expected) => {
    await answerWith(answer);
    await expect(get()).rejects.toThrow(expected);
  });

  test("of Node's own server, whatever is sent", async () => {
    server = createHttpServer((request, response) => {
      request.pipe(response);
    }).listen(path);
    await once(server, 'listening');
    const sent = JSON.stringify('ü€😀'.repeat(200_000));
    const { status, body } = await exchange(connectUnix(path), { method: 'POST', path: '/x', body: sent });
    const pieces: Buffer[] = [];
    for await (const piece of body) pieces.push(piece);
    expect(status).toBe(200);
    expect(Buffer.concat(pieces).toString() === sent).toBe(true);
  });
});

test('chunks come out as they went in, however they are cut', () => {
  const chunk = uint8Array({ minLength: 1, maxLength: 40 });
  assert(
    property(array(chunk, { maxLength: 5 }), integer({ min: 1, max: 9 }), (chunks, step) => {
      const coded = Buffer.concat([
        ...chunks.flatMap((bytes) =>
          [`${bytes.length.toString(16)}\r\n`, bytes, '\r\n'].map((part) => Buffer.from(part)),
        ),
        Buffer.from('0\r\n\r\n'),
      ]);
      const decoder = new ChunkedDecoder();
      const parts: Buffer[] = [];
      for (let at = 0; at < coded.length; at += step)
        parts.push(...decoder.push(coded.subarray(at, at + step)));
      expect(decoder.isDone).toBe(true);
      expect(Buffer.concat(parts)).toEqual(Buffer.concat(chunks));
    }),
  );
});
