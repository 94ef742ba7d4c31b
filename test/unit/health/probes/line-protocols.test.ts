import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import type { WrittenCheckOptions } from '../../../../src/contract/checks/check-contract.ts';
import { buildDnsQuery } from '../../../../src/health/probes/dns-message.ts';
import { afterwards, attempt, CLOSED_PORT, listening, openAttempts, TIMED_OUT } from './bench.ts';

interface MailServer {
  readonly greeting?: string;
  readonly helo?: string;
  readonly quit?: string;
}

/** Speaks SMTP; what is left out it says as it should. */
async function mailServer({ greeting, helo, quit }: MailServer): Promise<{ port: number; heard: string[] }> {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(greeting ?? '220-mail.example.com\r\n220 ESMTP\r\n');
    socket.on('data', (chunk: Buffer) => {
      const line = chunk.toString().trimEnd();
      heard.push(line);
      if (line.startsWith('HELO ')) socket.write(helo ?? '250-mail.example.com\r\n250 SIZE 1000\r\n');
      if (line === 'QUIT') socket.end(quit ?? '221 bye\r\n');
    });
  });
  return { port: await listening(server), heard };
}

describe('smtp', () => {
  test('a whole dialogue', async () => {
    const { port, heard } = await mailServer({});
    expect(await attempt({ type: 'smtp', helo: 'lb.example.com' }, { port })).toBe('passes');
    expect(heard).toEqual(['HELO lb.example.com', 'QUIT']);
  });

  test.each([
    [
      'greeting',
      { greeting: '554 no\r\n' },
      "SMTP: the connection was answered with '554 no' instead of 220",
    ],
    ['HELO', { helo: '502 what\r\n' }, "SMTP: HELO was answered with '502 what' instead of 250"],
    ['QUIT', { quit: '500 never\r\n' }, "SMTP: QUIT was answered with '500 never' instead of 221"],
    ['an end', { quit: '' }, 'SMTP: the server closed the connection instead of answering QUIT'],
    ['an endless line', { greeting: '2'.repeat(70_000) }, 'SMTP: the answer is too long'],
  ])('broken at %s', async (_, broken, outcome) => {
    const { port } = await mailServer(broken);
    expect(await attempt({ type: 'smtp' }, { port })).toBe(outcome);
  });

  test('nobody listens, or says anything', async () => {
    expect(await attempt({ type: 'smtp' }, { port: CLOSED_PORT })).toBe('connection refused');
    const { port } = await mailServer({ greeting: '220-' });
    expect(await attempt({ type: 'smtp' }, { port, timeoutMs: 100 })).toBe(TIMED_OUT);
  });
});

async function udpServer(
  answer: (server: Socket, message: Buffer, from: RemoteInfo) => void,
): Promise<number> {
  const server = createSocket('udp4');
  server.on('message', (message, from) => answer(server, message, from));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  afterwards(() => server.close());
  return server.address().port;
}

/** Answers with that code; the records do not matter. */
function nameServer(code: number, change: (reply: Buffer) => void = () => undefined): Promise<number> {
  return udpServer((server, query, from) => {
    const reply = Buffer.from(query);
    reply.writeUInt16BE(0x8180 | code, 2);
    change(reply);
    server.send(reply, from.port, from.address);
  });
}

describe('dns', () => {
  test('a query as it stands on the wire', () => {
    const query = buildDnsQuery({ id: 0x1234, type: 28, name: 'www.example.com.' });
    expect(Buffer.from(query).toString('hex')).toBe(
      '12340100000100000000000003777777076578616d706c6503636f6d00001c0001',
    );
    expect(buildDnsQuery({ id: 0, type: 6, name: '.' })).toHaveLength(12 + 5);
  });

  test.each([
    [0, 'passes'],
    [2, 'DNS: . SOA: SERVFAIL'],
    [3, 'DNS: . SOA: NXDOMAIN'],
    [5, 'DNS: . SOA: REFUSED'],
    [9, 'DNS: . SOA: code 9'],
  ])('response code %i: %s', async (code, outcome) => {
    expect(await attempt({ type: 'dns', queryName: '.' }, { port: await nameServer(code) })).toBe(outcome);
  });

  test.each([
    [5, 'passes'],
    [2, 'DNS: . SOA: SERVFAIL'],
  ])('the question of nobody in particular: response code %i: %s', async (code, outcome) => {
    expect(await attempt({ type: 'dns' }, { port: await nameServer(code) })).toBe(outcome);
  });

  test('an answer to another question is none', async () => {
    const port = await nameServer(0, (reply) => reply.writeUInt16BE(reply.readUInt16BE(0) ^ 1, 0));
    expect(await attempt({ type: 'dns' }, { port, timeoutMs: 100 })).toBe(TIMED_OUT);
    const echo = await udpServer((server, query, from) => server.send(query, from.port, from.address));
    expect(await attempt({ type: 'dns' }, { port: echo, timeoutMs: 100 })).toBe(TIMED_OUT);
  });

  test('nobody listens', async () => {
    expect(await attempt({ type: 'dns' }, { port: CLOSED_PORT })).toBe('connection refused');
  });
});

const echo = (): Promise<number> =>
  udpServer((server, message, from) => server.send(message, from.port, from.address));

describe('udp', () => {
  test.each([
    [{}, 'passes'],
    [{ payload: 'abcd', reply: 'any' }, 'passes'],
    [{ payload: 'abcd', reply: 'axxd' }, 'passes'],
    [{ payload: 'abcd', reply: 'abcd99' }, 'passes'],
    [{ payload: 'abcd', reply: 'abce' }, 'the answer is not the required one'],
    [{ payload: 'abcd', reply: 'any', minReplyLength: 3 }, 'the answer has 2 bytes; allowed: 3 to 65535'],
    [{ payload: 'abcd', reply: 'any', maxReplyLength: 1 }, 'the answer has 2 bytes; allowed: 0 to 1'],
  ])('%o: %s', async (options, outcome) => {
    expect(await attempt({ type: 'udp', ...options }, { port: await echo() })).toBe(outcome);
  });

  test('an ICMP error fails it, silence is for the checker to judge', async () => {
    expect(await attempt({ type: 'udp' }, { port: CLOSED_PORT })).toBe('connection refused');
    const port = await udpServer(() => undefined);
    expect(await attempt({ type: 'udp' }, { port, timeoutMs: 100 })).toBe(TIMED_OUT);
  });
});

describe.skipIf(process.getuid?.() !== 0)('ping (needs root)', () => {
  test('this machine answers, an address without a host does not', async () => {
    expect(await attempt({ type: 'ping' })).toBe('passes');
    expect(await attempt({ type: 'ping' }, { address: '240.0.0.1', timeoutMs: 100 })).not.toBe('passes');
  });

  // Not more than other tests leave of what the kernel answers in one burst (net.ipv4.icmp_msgs_burst).
  test('many at once', async () => {
    const all = Array.from({ length: 20 }, (_, index) =>
      attempt({ type: 'ping' }, { address: `127.0.0.${index + 1}` }),
    );
    expect(new Set(await Promise.all(all))).toEqual(new Set(['passes']));
  });
});

describe('where a direct check leaves from', () => {
  const bind = { address: '127.0.0.7' };

  test('TCP and UDP, with a port of its own, attempt after attempt', async () => {
    const from: string[] = [];
    const server = createServer((socket) => {
      from.push(`${socket.remoteAddress}:${socket.remotePort}`);
      socket.on('error', () => undefined);
    });
    const port = await listening(server);
    const own = port === 65_535 ? port - 1 : port + 1;
    const tcp = openAttempts({ type: 'tcp', via: 'direct', bind: { ...bind, port: own } }, { port });
    expect([await tcp(), await tcp()]).toEqual(['passes', 'passes']);
    await vi.waitFor(() => expect(from).toEqual([`127.0.0.7:${own}`, `127.0.0.7:${own}`]));
    const udp = await udpServer((socket, _message, sender) => {
      from.push(sender.address);
      socket.send('x', sender.port, sender.address);
    });
    expect(await attempt({ type: 'udp', via: 'direct', bind, reply: '78' }, { port: udp })).toBe('passes');
    expect(from.at(-1)).toBe('127.0.0.7');
  });

  test.skipIf(process.getuid?.() !== 0)('an interface and a mark (needs root)', async () => {
    const port = await listening(createServer((socket) => socket.on('error', () => undefined)));
    const leaving = (options: WrittenCheckOptions): ReturnType<typeof attempt> =>
      attempt({ type: 'tcp', via: 'direct', ...options }, { port, timeoutMs: 500 });
    expect(await leaving({ bind: { interface: 'lo' }, mark: 7 })).toBe('passes');
    expect(await leaving({ bind: { interface: 'none0' } })).toMatch(/option 25.*ENODEV/);
    expect(await attempt({ type: 'ping', via: 'direct', bind: { ...bind, interface: 'lo' } })).toBe('passes');
  });
});
