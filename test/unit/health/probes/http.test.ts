import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attempt, CLOSED_PORT, listening, TIMED_OUT } from './bench.ts';

const BODY = 'Grüße from real1\n';
const DIGESTS = {
  md5: createHash('md5').update(BODY).digest('hex'),
  sha256: createHash('sha256').update(BODY).digest('hex'),
};

let seen: Pick<IncomingMessage, 'url' | 'httpVersion' | 'headers'>[];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { url, httpVersion, headers } = request;
  seen.push({ url, httpVersion, headers });
  response.statusCode = Number(/\/(\d{3})$/.exec(request.url ?? '')?.[1] ?? 200);
  response.end(BODY);
}

async function httpServer(): Promise<number> {
  seen = [];
  return listening(createHttpServer(answer));
}

describe('http', () => {
  test.each([
    ['a good answer', {}, 'passes'],
    ['status', { urls: [{ path: '/503' }] }, 'HTTP status 503; allowed: 200-299'],
    [
      'status range',
      {
        urls: [
          {
            path: '/404',
            status: [
              { from: 200, to: 200 },
              { from: 400, to: 499 },
            ],
          },
        ],
      },
      'passes',
    ],
    [
      'status outside of all ranges',
      {
        urls: [
          {
            path: '/302',
            status: [
              { from: 200, to: 200 },
              { from: 400, to: 499 },
            ],
          },
        ],
      },
      'HTTP status 302; allowed: 200, 400-499',
    ],
    ['several urls', { urls: [{ path: '/a' }, { path: '/b' }] }, 'passes'],
    [
      'one of several fails',
      { urls: [{ path: '/a' }, { path: '/b/500' }, { path: '/c' }] },
      '/b/500: HTTP status 500; allowed: 200-299',
    ],
    ['MD5', { urls: [{ digest: DIGESTS.md5.toUpperCase() }] }, 'passes'],
    ['SHA-256', { urls: [{ digest: DIGESTS.sha256 }] }, 'passes'],
    ['another digest', { urls: [{ digest: '0'.repeat(32) }] }, `the body's digest is ${DIGESTS.md5}`],
    ['regex', { urls: [{ regex: 'real[12]' }] }, 'passes'],
    ['regex of more than ASCII', { urls: [{ regex: 'Grüße' }] }, 'passes'],
    ['regex that is not there', { urls: [{ regex: 'real[34]' }] }, 'the body does not match the regex'],
    ['regex with flags', { urls: [{ regex: { pattern: 'REAL1', flags: 'i' } }] }, 'passes'],
    [
      'regex that must not match',
      { urls: [{ regex: { pattern: 'real1', mustNotMatch: true } }] },
      'the body matches the regex',
    ],
    // Two letters of the greeting have two bytes each.
    ['regex at its offset', { urls: [{ regex: { pattern: 'r', minOffset: 9, maxOffset: 9 } }] }, 'passes'],
    [
      'regex before the offset',
      { urls: [{ regex: { pattern: 'Gr', minOffset: 1 } }] },
      'the body does not match the regex',
    ],
    [
      'regex behind the offset',
      { urls: [{ regex: { pattern: 'real1', maxOffset: 12 } }] },
      'the body does not match the regex',
    ],
    ['HTTP/1.0', { httpVersion: '1.0', urls: [{ digest: DIGESTS.md5 }] }, 'passes'],
  ] as const)('%s', async (_, written, outcome) => {
    const port = await httpServer();
    expect(await attempt({ type: 'http', ...structuredClone(written) } as never, { port })).toBe(outcome);
  });

  test('what it asks for', async () => {
    const port = await httpServer();
    await attempt({ type: 'http', urls: [{ path: '/x?y=1' }] }, { port });
    await attempt({ type: 'http', httpVersion: '1.0', virtualHost: 'www.example.com' }, { port });
    const urls = [{ virtualHost: 'a.example.com' }, {}];
    await attempt({ type: 'http', virtualHost: 'b.example.com', urls }, { port });
    expect(seen.map(({ url, httpVersion, headers }) => [url, httpVersion, headers.host])).toEqual([
      ['/x?y=1', '1.1', `127.0.0.1:${port}`],
      ['/', '1.0', 'www.example.com'],
      ['/', '1.1', 'a.example.com'],
      ['/', '1.1', 'b.example.com'],
    ]);
    expect(seen[0]?.headers).toMatchObject({ connection: 'close', 'user-agent': 'culvert' });
  });

  test.each([
    ['nobody listens', undefined, 'connection refused'],
    ['no HTTP', '220 mail.example.com ESMTP\r\n', 'the answer is not HTTP'],
    ['no answer', '', 'the server closed without an answer'],
    ['a body cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf', 'the answer was cut off'],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      'HTTP status 101: the check did not ask for another protocol',
    ],
    ['an end by closing', 'HTTP/1.0 200 OK\r\n\r\nreal1', 'passes'],
  ])('broken: %s', async (_, said, outcome) => {
    const server = createNetServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(said ?? ''));
    });
    const port = said === undefined ? CLOSED_PORT : await listening(server);
    expect(await attempt({ type: 'http', urls: [{ regex: 'real1' }] }, { port })).toBe(outcome);
  });

  test.each([
    ['counted', 'Content-Length: 99\r\n\r\nhalf'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n63\r\nhalf'],
  ])('a body that nobody looks at may end early: %s', async (_, rest) => {
    const port = await listening(
      createNetServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
      }),
    );
    expect(await attempt({ type: 'http' }, { port })).toBe('passes');
    const digest = '0'.repeat(32);
    expect(await attempt({ type: 'http', urls: [{ digest }] }, { port })).toBe('the answer was cut off');
  });

  test('a regex that never comes to an end holds nothing up', async () => {
    const server = createNetServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(`HTTP/1.0 200 OK\r\n\r\n${'a'.repeat(50)}b`));
    });
    const port = await listening(server);
    for (const flags of ['', 'u'])
      expect(
        await attempt({ type: 'http', urls: [{ regex: { pattern: '^(a+)+$', flags } }] }, { port }),
      ).toBe('the regex takes more than 100ms over the body');
    expect(await attempt({ type: 'http', urls: [{ regex: 'a{50}b' }] }, { port })).toBe('passes');
  });

  test('silence ends with the time, and the connection with it', async () => {
    const closed = Promise.withResolvers<void>();
    const server = createNetServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('close', () => closed.resolve()).resume();
    });
    const port = await listening(server);
    expect(await attempt({ type: 'http' }, { port, timeoutMs: 100 })).toBe(TIMED_OUT);
    await closed.promise;
  });
});

describe('https', () => {
  let directory: string;
  let caFile: string;
  let credentials: { key: Buffer; cert: Buffer };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'culvert-https-'));
    caFile = join(directory, 'cert.pem');
    const key = join(directory, 'key.pem');
    const make =
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=real1 -addext ` +
      `subjectAltName=DNS:www.example.com,IP:127.0.0.1 -keyout ${key} -out ${caFile}`;
    execFileSync('openssl', make.split(' '), { stdio: 'pipe' });
    credentials = { key: readFileSync(key), cert: readFileSync(caFile) };
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  async function httpsServer(): Promise<{ port: number; names: unknown[] }> {
    const names: unknown[] = [];
    const server = createHttpsServer(credentials, (request, response) => {
      names.push((request.socket as TLSSocket & { servername?: unknown }).servername);
      response.end(BODY);
    });
    return { port: await listening(server), names };
  }

  test('a certificate that nobody knows passes unless it is to be verified', async () => {
    const { port } = await httpsServer();
    expect(await attempt({ type: 'https', urls: [{ digest: DIGESTS.md5 }] }, { port })).toBe('passes');
    expect(await attempt({ type: 'https', httpVersion: '1.0' }, { port })).toBe('passes');
    expect(await attempt({ type: 'https', tlsVerify: true }, { port })).toBe('TLS: self-signed certificate');
  });

  test('a known certificate passes for its names only', async () => {
    const { port, names } = await httpsServer();
    const verified = { type: 'https', tlsVerify: true, tlsCaFile: caFile } as const;
    expect(await attempt(verified, { port })).toBe('passes');
    expect(await attempt({ ...verified, sni: 'www.example.com' }, { port })).toBe('passes');
    expect(await attempt({ ...verified, virtualHost: 'www.example.com' }, { port })).toBe('passes');
    expect(await attempt({ ...verified, sni: 'other.example.com' }, { port })).toMatch(
      /^TLS: Hostname\/IP does not match/,
    );
    expect(names).toEqual([false, 'www.example.com', false]);
  });

  test('a server without TLS, and one that ends the handshake', async () => {
    const plain = await httpServer();
    expect(await attempt({ type: 'https' }, { port: plain })).toMatch(
      /^TLS: .*(wrong version|packet length)/,
    );
    const closing = createNetServer((socket) =>
      socket.on('error', () => undefined).once('data', () => socket.end()),
    );
    const port = await listening(closing);
    expect(await attempt({ type: 'https' }, { port })).toMatch(/^TLS: .*(disconnected|reset)/);
  });

  test('a missing file of authorities is named', async () => {
    const { port } = await httpsServer();
    const written = { type: 'https', tlsVerify: true, tlsCaFile: join(directory, 'none.pem') } as const;
    expect(await attempt(written, { port })).toMatch(/none\.pem/);
    const device = { type: 'https', tlsVerify: true, tlsCaFile: '/dev/zero' } as const;
    expect(await attempt(device, { port })).toBe('/dev/zero is not a regular file');
  });

  test('silence in the handshake ends with the time', async () => {
    const server = createNetServer((socket) => void socket.on('error', () => undefined).resume());
    const port = await listening(server);
    expect(await attempt({ type: 'https' }, { port, timeoutMs: 100 })).toContain(TIMED_OUT);
  });
});
