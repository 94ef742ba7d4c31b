import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenApi, type RunningApi } from '../../../src/api/server/listen.ts';
import { explanationSchema } from '../../../src/contract/api/explanation.ts';
import { ip as address } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { LINK_TYPE, writePcap } from '../../../src/net/captures/pcap.ts';
import { isFault } from '../../../src/net/fault.ts';
import { ipv4ChecksumIsGood, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { parseIpv6Header } from '../../../src/net/headers/ipv6.ts';
import { parseTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { ControlDouble } from '../api/control-double.ts';
import { type Outcome, culvert as runCulvert } from './culvert.ts';

const ENDS = ['--from', '198.51.100.2:4000', '--to', '192.0.2.10:80'];

let directory: string;
let control: ControlDouble;
let api: RunningApi;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-explain-'));
  control = new ControlDouble();
  const socketPath = join(directory, 'eth0.sock');
  api = await listenApi({ control, version: '1.2.3', onDown: () => undefined, socketPath });
});

afterEach(async () => {
  await api.close();
  await rm(directory, { recursive: true });
});

function explain(...argv: string[]): Promise<Outcome> {
  return runCulvert(['explain', ...argv], { CULVERT_RUN_DIRECTORY: directory });
}

/** The packet that the director was asked about. */
function askedPacket(): Uint8Array {
  const hex = /^explain ([0-9a-f]+)$/.exec(control.calls.at(-1) ?? '')?.[1];
  return Uint8Array.from(Buffer.from(hex ?? '', 'hex'));
}

describe('a packet described by options', () => {
  test('is built as described, checksums right', async () => {
    const { status } = await explain(
      ...ENDS,
      '--tcp',
      'psh,ack',
      '--length',
      '1500',
      '--df',
      '--ttl',
      '9',
      '--tos',
      '0xb8',
    );
    expect(status).toBe(0);
    const packet = askedPacket();
    const ip = parseIpv4Header(packet);
    if (isFault(ip)) throw new Error(ip);
    expect(ip).toMatchObject({
      totalLength: 1500,
      dontFragment: true,
      ttl: 9,
      tos: 0xb8,
      protocol: 6,
      source: ipv4('198.51.100.2'),
      destination: ipv4('192.0.2.10'),
    });
    expect(ipv4ChecksumIsGood(packet, 0, ip.headerBytes)).toBe(true);
    expect(parseTcp(packet, 20)).toMatchObject({
      sourcePort: 4000,
      destinationPort: 80,
      flags: TCP_FLAGS.psh | TCP_FLAGS.ack,
    });
  });

  test('is a SYN, and 40 bytes, unless it says otherwise', async () => {
    await explain(...ENDS);
    expect(askedPacket()).toHaveLength(40);
    expect(parseTcp(askedPacket(), 20)).toMatchObject({ flags: TCP_FLAGS.syn });
  });

  test('IPv6', async () => {
    await explain(
      '--from',
      '[2001:db8:1::7]:4000',
      '--to',
      '[2001:db8::10]:80',
      '--length',
      '100',
      '--ttl',
      '9',
    );
    const packet = askedPacket();
    expect(parseIpv6Header(packet)).toMatchObject({
      totalLength: 100,
      hopLimit: 9,
      nextHeader: 6,
      source: address('2001:db8:1::7'),
      destination: address('2001:db8::10'),
    });
    expect(parseTcp(packet, 40)).toMatchObject({
      sourcePort: 4000,
      destinationPort: 80,
      flags: TCP_FLAGS.syn,
    });
  });

  test('UDP', async () => {
    await explain(...ENDS, '--udp', '--length', '100');
    expect(parseIpv4Header(askedPacket())).toMatchObject({ protocol: 17, totalLength: 100 });
  });

  test.each([
    [['--from', '198.51.100.2:4000'], '--from and --to'],
    [[...ENDS, '--tcp', 'sin'], 'It must be flags'],
    [[...ENDS, '--tcp', 'syn', '--udp'], 'cannot be used with'],
    [[...ENDS, '--length', '39'], '--length must be from 40'],
    [['--from', '[2001:db8::1]:1', '--to', '192.0.2.10:80'], 'different address families'],
    [['--from', '[2001:db8::1]:1', '--to', '[2001:db8::2]:1', '--df'], '--df applies to IPv4 only'],
    [['--from', '2001:db8::1:80', '--to', '192.0.2.10:80'], 'It must be ADDRESS:PORT'],
    [['--from', '198.51.100.2', '--to', '192.0.2.10:80'], 'It must be ADDRESS:PORT'],
    [[...ENDS, '--pcap', 'x.pcap'], 'cannot be used with'],
  ])('%j is wrong usage', async (argv, said) => {
    const { status, stderr } = await explain(...argv);
    expect(status).toBe(2);
    expect(stderr).toContain(said);
  });
});

describe('a packet of a capture', () => {
  beforeEach(async () => {
    const packet = Uint8Array.from(Buffer.from('4500001400000000400166e7c6336402c000020a', 'hex'));
    const records = [new Uint8Array(20).fill(0xff), packet].map((bytes) => ({
      linkType: LINK_TYPE.raw,
      timeNs: 0n,
      bytes,
      originalLength: bytes.length,
    }));
    await writeFile(join(directory, 'x.pcap'), writePcap(records, LINK_TYPE.raw));
  });

  test('is taken by its number', async () => {
    expect((await explain('--pcap', join(directory, 'x.pcap'), '--packet', '2')).status).toBe(0);
    expect(Buffer.from(askedPacket()).toString('hex')).toBe('4500001400000000400166e7c6336402c000020a');
  });

  test.each([
    ['3', 'there is no packet 3: the capture has 2', 2],
    ['1', 'packet 1 does not contain an IP packet', 1],
  ])('number %s: %s', async (number, said, expected) => {
    const { status, stderr } = await explain('--pcap', join(directory, 'x.pcap'), '--packet', number);
    expect(stderr).toContain(said);
    expect(status).toBe(expected);
  });

  test('a file that is no capture, or not there', async () => {
    await writeFile(join(directory, 'y.pcap'), 'hello, world');
    expect((await explain('--pcap', join(directory, 'y.pcap'))).stderr).toMatch(/y\.pcap: neither a pcap/);
    expect((await explain('--pcap', join(directory, 'z.pcap'))).stderr).toMatch(/z\.pcap: cannot be read/);
  });
});

describe('what is printed', () => {
  test('the packet, the steps, the decision and what is sent', async () => {
    const { stdout } = await explain(...ENDS);
    expect(stdout).toMatch(/^IPv4 198\.51\.100\.2 > 192\.0\.2\.10, length 40\n/);
    expect(stdout).toContain(
      '\n\n1. It is for tcp 192.0.2.10:80.\n2. The ring names 10.0.1.2.\n\nForwarded to 10.0.1.2.\n\nIPv4 ',
    );
  });

  test('--json', async () => {
    const { packet, ...explanation } = JSON.parse((await explain(...ENDS, '--json')).stdout);
    expect(packet).toMatch(/^45/);
    expect(explanationSchema.safeParse(explanation).error).toBeUndefined();
  });
});
