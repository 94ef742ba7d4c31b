// Answers without an end: each ends the attempt in words, and the process does other things meanwhile.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { WrittenCheckOptions } from '../../../../src/contract/checks/check-contract.ts';
import { HttpResponse, LONGEST_ANSWER_BYTES } from '../../../../src/health/probes/http/http-response.ts';
import { LineReader } from '../../../../src/health/probes/line-reader.ts';
import { afterwards, attempt, listening, TIMED_OUT } from './bench.ts';
import { HOSTILE, type HostileKind } from './hostile-server.ts';

const SERVER = fileURLToPath(new URL('hostile-server.ts', import.meta.url));
const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const DIGEST: WrittenCheckOptions = { type: 'http', urls: [{ digest: '0'.repeat(32) }] };

async function hostile(kind: HostileKind): Promise<number> {
  const child = fork(SERVER, [kind], { execArgv: [] });
  afterwards(() => child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  return port;
}

const NOT_HTTP = 'the answer is not HTTP';
const TOO_LONG = `the answer is longer than ${LONGEST_ANSWER_BYTES} bytes`;

describe('a check of a hostile real ends in words, and the loop answers meanwhile', () => {
  test.each<[WrittenCheckOptions, HostileKind, string | RegExp]>([
    [DIGEST, 'interim responses', 'the answer begins with more than 16 interim responses'],
    [DIGEST, 'one-byte chunks', 'the answer has more than 65536 chunks'],
    [DIGEST, 'a chunk extension', NOT_HTTP],
    [DIGEST, 'empty lines between chunks', NOT_HTTP],
    [DIGEST, 'a chunk size', NOT_HTTP],
    [DIGEST, 'trailers', NOT_HTTP],
    [DIGEST, 'header fields', NOT_HTTP],
    [DIGEST, 'a header field', NOT_HTTP],
    [DIGEST, 'a body', TOO_LONG],
    [DIGEST, 'a drip', /not HTTP|the time is up/],
    [DIGEST, 'a drip of chunks', TIMED_OUT],
    [DIGEST, 'rubbish', NOT_HTTP],
    [{ type: 'https' }, 'rubbish', /^TLS: /],
    [{ type: 'https' }, 'a drip', /^TLS: /],
    [{ type: 'smtp' }, 'reply lines', 'SMTP: the answer is too long'],
    [{ type: 'smtp' }, 'a reply line', 'SMTP: the answer is too long'],
    [{ type: 'smtp' }, 'rubbish', /^SMTP: the (connection|answer)/],
  ])('%j, %s', async (check, kind, words) => {
    const port = await hostile(kind);
    let turns = 0;
    const ticking = setInterval(() => void turns++, 1);
    const drips = kind.startsWith('a drip');
    const outcome = await attempt(check, { port, timeoutMs: drips ? 500 : 60_000 });
    clearInterval(ticking);
    if (typeof words === 'string') expect(outcome).toBe(words);
    else expect(outcome).toMatch(words);
    if (outcome === TOO_LONG || outcome === TIMED_OUT) expect(turns).toBeGreaterThan(10);
  });
});

const pieces = (piece: string) => () => {
  const reader = new LineReader({ bytes: 1000, lines: 100 });
  let lines = 0;
  for (let round = 0; round < 2000; round++) lines += reader.push(Buffer.from(piece)).length;
  return lines;
};

describe('what an answer costs', () => {
  test('a piece of input is one piece of body, however many chunks it has', () => {
    const bodies: Buffer[] = [];
    const response = new HttpResponse((bytes) => void bodies.push(bytes));
    response.push(Buffer.from(CHUNKED));
    for (let round = 0; round < 3; round++) response.push(HOSTILE['one-byte chunks'].again);
    expect(bodies).toHaveLength(3);
    expect(Buffer.concat(bodies).toString()).toMatch(/^x{30000,}$/);
  });

  test('is taken only so far', () => {
    const response = new HttpResponse(() => undefined);
    response.push(Buffer.from(`${OK}\r\n`));
    const piece = Buffer.alloc(1 << 20);
    let taken = 0;
    expect(() => {
      for (;;) {
        response.push(piece);
        taken += piece.length;
      }
    }).toThrow('is longer than');
    expect(taken).toBeLessThanOrEqual(LONGEST_ANSWER_BYTES);
  });

  test('lines have a limit of bytes and of number, in whatever pieces they come', () => {
    for (const piece of ['x', '\n', 'ab\r\n', 'x'.repeat(999)]) expect(pieces(piece)).toThrow('is too long');
    const reader = new LineReader({ bytes: 1000, lines: 100 });
    const text = '220-one\r\n220-\n220 three\r\nrest';
    expect(Array.from(text).flatMap((character) => reader.push(Buffer.from(character)))).toEqual([
      '220-one',
      '220-',
      '220 three',
    ]);
  });
});

async function answering(body: string): Promise<number> {
  return listening(
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${body}`));
    }),
  );
}

describe('a regex that takes years', () => {
  const SLOW: WrittenCheckOptions = { type: 'http', urls: [{ regex: '^(a+)+$' }] };

  test('takes the time of no other check: both are searched, one here and one in a thread', async () => {
    const port = await answering(`${'a'.repeat(50)}b`);
    const slow = attempt(SLOW, { port, timeoutMs: 60_000 });
    const quick = attempt({ type: 'http', urls: [{ regex: 'a{50}b' }] }, { port, timeoutMs: 60_000 });
    expect(await quick).toBe('passes');
    expect(await slow).toBe('the regex takes more than 100ms over the body');
  });

  test('is searched again for the next body, and may well pass', async () => {
    expect(await attempt(SLOW, { port: await answering('aaa'), timeoutMs: 60_000 })).toBe('passes');
  });

  test('waits with a limited number of others', async () => {
    const port = await answering(`${'a'.repeat(50)}b`);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => attempt(SLOW, { port, timeoutMs: 60_000 })),
    );
    expect(all).toContain('the regex is slow, and 16 others like it are waiting');
    expect(all).toContain('the regex takes more than 100ms over the body');
    expect(new Set(all).size).toBe(2);
  });
});
