import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { WrittenCheckOptions } from '../../../../src/contract/checks/check-contract.ts';
import { makeCertificate, makeExpiredCertificate } from '../../../servers/certificates.ts';
import { exim } from '../../../servers/exim.ts';
import { named } from '../../../servers/named.ts';
import { nginx } from '../../../servers/nginx.ts';
import { freePort, obstacleTo, serverDirectory, startServer } from '../../../servers/server.ts';
import { attempt, TIMED_OUT } from './bench.ts';

const PATIENCE = { interval: 100 };
const FAMILIES = [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
] as const;

let cleanUp: AsyncDisposableStack;
beforeAll(() => {
  cleanUp = new AsyncDisposableStack();
});
afterAll(() => cleanUp.disposeAsync());

/** `name`, and why its tests are skipped if they are. */
function need(name: string, ...programs: readonly string[]): [string, boolean] {
  const obstacle = obstacleTo(...programs);
  return [obstacle === undefined ? name : `${name} (skipped: ${obstacle})`, obstacle !== undefined];
}

type Outcome = Awaited<ReturnType<typeof attempt>>;

/** Where a server listens that tests of both families are to reach. */
const listenOn = (port: number): string[] =>
  FAMILIES.map(([, host]) => `${host === '::1' ? '[::1]' : host}:${port}`);

/** What nginx says that it was asked has to match. */
const asked = (pattern: string): WrittenCheckOptions => ({ urls: [{ path: '/asked', regex: pattern }] });

const [NGINX, noNginx] = need('nginx', 'nginx', 'openssl');
describe.skipIf(noNginx)(NGINX, () => {
  const ports = { plain: 0, tls: 0, expired: 0 };
  let authority = '';
  let expiredAuthority = '';
  beforeAll(async () => {
    const directory = serverDirectory(cleanUp, 'nginx');
    const [good, expired] = [makeCertificate(directory, 'good'), makeExpiredCertificate(directory)];
    [authority, expiredAuthority] = [good.certificate, expired.certificate];
    for (const name of ['plain', 'tls', 'expired'] as const) ports[name] = await freePort();
    const tls = [
      ...listenOn(ports.tls).map((listen) => ({ ...good, listen })),
      ...listenOn(ports.expired).map((listen) => ({ ...expired, listen })),
    ];
    startServer(cleanUp, nginx({ directory, plain: listenOn(ports.plain), tls }));
    await vi.waitFor(
      async () => expect(await attempt({ type: 'tcp' }, { port: ports.plain })).toBe('passes'),
      PATIENCE,
    );
  });

  const BODY = 'welcome to the real server\n';
  const md5 = createHash('md5').update(BODY).digest('hex');
  const NO_MATCH = 'the body does not match the regex';

  describe.each(FAMILIES)('%s', (_, address) => {
    test.each<[WrittenCheckOptions, Outcome]>([
      [{}, 'passes'],
      [{ urls: [{ digest: md5, regex: '^welcome.*server$' }] }, NO_MATCH],
      [
        {
          urls: [
            { digest: md5, regex: { pattern: '^WELCOME.*server$', options: ['caseless', 'multiline'] } },
          ],
        },
        'passes',
      ],
      [{ urls: [{ regex: { pattern: 'real', minOffset: 15, maxOffset: 15 } }] }, 'passes'],
      [{ urls: [{ regex: { pattern: 'real', minOffset: 16 } }] }, NO_MATCH],
      [{ urls: [{ regex: { pattern: 'real', maxOffset: 14 } }] }, NO_MATCH],
      [{ urls: [{ regex: { pattern: 'real', mustNotMatch: true } }] }, 'the body matches the regex'],
      [{ urls: [{ regex: { pattern: 'r.{3} ', options: ['utf', 'firstline'] } }] }, 'passes'],
      [{ urls: [{ digest: md5.replace(/./g, '0') }] }, `the body's digest is ${md5}`],
      [{ urls: [{ path: '/teapot' }] }, 'HTTP status 418; allowed: 200-299'],
      [
        {
          urls: [
            {
              path: '/teapot',
              status: [
                { from: 200, to: 299 },
                { from: 418, to: 418 },
              ],
            },
          ],
        },
        'passes',
      ],
      [{ urls: [{ path: '/query?q=1' }] }, 'passes'],
      [{ urls: [{}, { path: '/query?q=2' }] }, '/query?q=2: HTTP status 404; allowed: 200-299'],
      [{ urls: [{ path: '/closed' }] }, 'the server closed without an answer'],
      [asked('^HTTP/1.1 close '), 'passes'],
      [{ ...asked('^HTTP/1.0  '), httpVersion: '1.0' }, 'passes'],
      [{ ...asked('^HTTP/1.0 close '), httpVersion: '1.0C' }, 'passes'],
      [{ ...asked(' www.example.com '), virtualHost: 'www.example.com' }, 'passes'],
      [
        {
          urls: [{ path: '/asked', virtualHost: 'a.example', regex: ' a.example ' }],
          virtualHost: 'b.example',
        },
        'passes',
      ],
    ])('http %j: %s', async (written, outcome) => {
      expect(await attempt({ type: 'http', ...written }, { port: ports.plain, address })).toBe(outcome);
    });

    test.each<[WrittenCheckOptions, Outcome | RegExp]>([
      [{}, 'passes'],
      [{ ...asked(' www.example.com$'), sni: 'www.example.com' }, NO_MATCH],
      [{ ...asked(' www.example.com\\n$'), sni: 'www.example.com' }, 'passes'],
      [{ ...asked(' www.example.com\\n$'), sni: true, virtualHost: 'www.example.com' }, 'passes'],
      [{ ...asked(' \\n$'), sni: true }, 'passes'],
      [{ ...asked(' \\n$'), virtualHost: 'www.example.com' }, 'passes'],
      [{ tlsVerify: true }, 'TLS: self-signed certificate'],
      [{ tlsVerify: true, virtualHost: 'other.example' }, 'TLS: self-signed certificate'],
    ])('https %j: %s', async (written, outcome) => {
      expect(await attempt({ type: 'https', ...written }, { port: ports.tls, address })).toBe(outcome);
    });

    test('a certificate that is verified', async () => {
      const verified = { type: 'https', tlsVerify: true, tlsCaFile: authority } as const;
      expect(await attempt(verified, { port: ports.tls, address })).toBe('passes');
      const other = { ...verified, sni: true, virtualHost: 'other.example' } as const;
      expect(await attempt(other, { port: ports.tls, address })).toMatch(/^TLS: Hostname\/IP does not match/);
      const expired = { ...verified, tlsCaFile: expiredAuthority };
      expect(await attempt(expired, { port: ports.expired, address })).toBe('TLS: certificate has expired');
      expect(await attempt({ type: 'https' }, { port: ports.expired, address })).toBe('passes');
    });

    test('plain HTTP on the TLS port, and TLS on the plain one', async () => {
      expect(await attempt({ type: 'http' }, { port: ports.tls, address })).toBe(
        'HTTP status 400; allowed: 200-299',
      );
      expect(await attempt({ type: 'https' }, { port: ports.plain, address })).toMatch(
        /^TLS: .*(wrong version|packet length)/,
      );
    });

    test('an answer that drips longer than there is time for', async () => {
      const written: WrittenCheckOptions = { type: 'http', urls: [{ path: '/drip' }] };
      expect(await attempt(written, { port: ports.plain, address, timeoutMs: 1000 })).toBe(TIMED_OUT);
    });
  });
});

const [NAMED, noNamed] = need('named', 'named');
describe.skipIf(noNamed)(NAMED, () => {
  let port = 0;
  beforeAll(async () => {
    port = await freePort();
    startServer(cleanUp, named(serverDirectory(cleanUp, 'named'), port));
    const signed = { type: 'dns', queryType: 'DNSKEY', queryName: 'example.com' } as const;
    await vi.waitFor(async () => expect(await attempt(signed, { port })).toBe('passes'), PATIENCE);
  });

  describe.each(FAMILIES)('%s', (_, address) => {
    test.each(['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'] as const)(
      '%s',
      async (queryType) => {
        expect(await attempt({ type: 'dns', queryType, queryName: 'example.com.' }, { port, address })).toBe(
          'passes',
        );
      },
    );
    test.each([
      ['none.example.com', 'DNS: none.example.com A: NXDOMAIN'],
      ['broken.test', 'DNS: broken.test A: SERVFAIL'],
      ['other.test', 'DNS: other.test A: REFUSED'],
    ])('%s: %s', async (queryName, outcome) => {
      expect(await attempt({ type: 'dns', queryType: 'A', queryName }, { port, address })).toBe(outcome);
    });
  });
});

const [EXIM, noExim] = need(process.getuid?.() === 0 ? 'exim' : 'exim (needs root)', 'exim4');
describe.skipIf(noExim || process.getuid?.() !== 0)(EXIM, () => {
  const ports: Record<string, number> = {};
  beforeAll(async () => {
    for (const refuses of [undefined, 'connect', 'helo'] as const) {
      const port = await freePort();
      ports[refuses ?? 'nothing'] = port;
      const how = {
        directory: serverDirectory(cleanUp, 'exim'),
        port,
        ...(refuses === undefined ? {} : { refuses }),
      };
      startServer(cleanUp, exim(how));
      await vi.waitFor(async () => expect(await attempt({ type: 'tcp' }, { port })).toBe('passes'), PATIENCE);
    }
  });

  test.each(FAMILIES)('%s', async (_, address) => {
    const smtp = (at: string): Promise<Outcome> =>
      attempt({ type: 'smtp', helo: 'lb.example.com' }, { port: ports[at] ?? 0, address, timeoutMs: 10_000 });
    expect(await smtp('nothing')).toBe('passes');
    expect(await smtp('connect')).toBe(
      "SMTP: the connection was answered with '550 not today' instead of 220",
    );
    expect(await smtp('helo')).toBe("SMTP: HELO was answered with '550 not today' instead of 250");
  });
});

const [SOCAT, noSocat] = need('socat', 'socat');
describe.skipIf(noSocat)(SOCAT, () => {
  describe.each(FAMILIES)('an echo over %s', (_, address) => {
    let port = 0;
    beforeAll(async () => {
      port = await freePort();
      const listen =
        address === '::1' ? `UDP6-RECVFROM:${port},bind=[::1]` : `UDP4-RECVFROM:${port},bind=127.0.0.1`;
      startServer(cleanUp, ['socat', `${listen},fork`, 'PIPE']);
      const echoes = { type: 'udp', payload: '00', reply: '00' } as const;
      await vi.waitFor(
        async () => expect(await attempt(echoes, { port, address, timeoutMs: 500 })).toBe('passes'),
        PATIENCE,
      );
    });

    test.each<[WrittenCheckOptions, Outcome]>([
      [{ reply: 'any', minReplyLength: 32, maxReplyLength: 32 }, 'passes'],
      [{ payload: 'abcdef', reply: 'axxdef' }, 'passes'],
      [{ payload: 'abcdef', reply: 'abcdee' }, 'the answer is not the required one'],
      [{ payload: 'abcdef', reply: 'any', minReplyLength: 4 }, 'the answer has 3 bytes; allowed: 4 to 65535'],
    ])('%j: %s', async (written, outcome) => {
      expect(await attempt({ type: 'udp', ...written }, { port, address })).toBe(outcome);
    });

    test('a port that nobody has is refused', async () => {
      expect(await attempt({ type: 'udp' }, { port: await freePort(), address, timeoutMs: 10_000 })).toBe(
        'connection refused',
      );
    });
  });
});
