// Every tunnel of the fast path, for both families inside and outside, with and without tags, held to what the forwarder
// builds; and tshark finds in them the packet that went in.
import { execFileSync } from 'node:child_process';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service, Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { buildIp } from '../../../src/forwarding/packets/build-ip.ts';
import { type IpHeader, parseIpHeader } from '../../../src/forwarding/packets/ip-header.ts';
import { encapsulate } from '../../../src/forwarding/tunnel/encapsulate.ts';
import { gueSourcePort } from '../../../src/forwarding/tunnel/source-port.ts';
import { formatIp, ip } from '../../../src/net/address/ip-address.ts';
import { concatBytes } from '../../../src/net/bytes.ts';
import { type CapturedPacket, LINK_TYPE, writePcap } from '../../../src/net/captures/pcap.ts';
import { isFault } from '../../../src/net/fault.ts';
import { IPV4_HEADER_BYTES, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../../../src/net/headers/ipv6.ts';
import { buildTcp, TCP_FLAGS, TCP_HEADER_BYTES } from '../../../src/net/headers/tcp.ts';
import { frameOf } from '../../fuzz/frame.ts';
import { INGRESS_IF_INDEX, LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import { DIRECTOR_MAC, NEXT_HOP_MAC, STANDARD_TABLE } from '../../unit/forwarding/forwarder/fixture.ts';

const VIPS = { 4: ip('192.0.2.10'), 6: ip('2001:db8:f::10') } as const;
const CLIENTS = { 4: ip('198.51.100.7'), 6: ip('2001:db8:c::7') } as const;
const REALS = { 4: ip('10.0.1.2'), 6: ip('2001:db8:1::2') } as const;
const DIRECTORS = { 4: ip('10.0.0.2'), 6: ip('2001:db8:d::2') } as const;
const FAMILIES = [4, 6] as const;
const TUNNELS: readonly Tunnel[] = [
  { type: 'ipip' },
  { type: 'gre', checksum: 'none' },
  { type: 'gue', checksum: 'none', port: 6080 },
];
const TOS = 0xb9;
const MTU = 1500;
const TAG_BEFORE = 0x6064;
const VLAN_AFTER = 200;
const PADDING = new Uint8Array(6).fill(0xaa);

interface Case {
  readonly tunnel: Tunnel;
  readonly inner: 4 | 6;
  readonly outer: 4 | 6;
  readonly tagBefore: boolean;
  readonly tagAfter: boolean;
}

const CASES: readonly Case[] = TUNNELS.flatMap((tunnel) =>
  FAMILIES.flatMap((inner) =>
    FAMILIES.flatMap((outer) =>
      [false, true].flatMap((tagBefore) =>
        [false, true].map((tagAfter) => ({ tunnel, inner, outer, tagBefore, tagAfter })),
      ),
    ),
  ),
);
const missing = whyNotLoadable();

describe.skipIf(missing !== undefined)(`envelopes of the fast path (${missing ?? 'loadable'})`, () => {
  let director: LoadedDirector;

  beforeAll(() => {
    director = new LoadedDirector({ slots: 1 << 16, flows: 1 << 10 });
  });
  afterAll(() => director?.[Symbol.dispose]());

  /** The frame that leaves, and the one that the forwarder's encapsulation makes. */
  function send(
    sample: Case,
    packet: Uint8Array,
  ): { readonly sent: Uint8Array; readonly wanted: Uint8Array } {
    director.clear();
    const image = preparedImage(director, sample);
    const link = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC };
    const frame = frameOf({ ...link, tag: sample.tagBefore ? TAG_BEFORE : undefined }, packet);
    const { verdict, frame: sent } = director.run(concatBytes(frame, PADDING));
    expect(verdict).toBe('sent');
    const header = headerOf(packet);
    const dontFragment = sample.inner === 4 && header.dontFragment;
    const outer = encapsulate(
      { bytes: packet, header },
      {
        tunnel: sample.tunnel,
        source: DIRECTORS[sample.outer],
        destination: REALS[sample.outer],
        id: dontFragment ? 0 : 1,
        dontFragment,
        sourcePort: gueSourcePort({ bytes: packet, header }, image.hashKey),
      },
    );
    const after = { destination: NEXT_HOP_MAC, source: DIRECTOR_MAC };
    return { sent, wanted: frameOf({ ...after, tag: sample.tagAfter ? VLAN_AFTER : undefined }, outer) };
  }

  test.each(CASES.map((sample) => [nameOf(sample), sample] as const))('%s', (_, sample) => {
    for (const dontFragment of [true, false]) {
      const { sent, wanted } = send(sample, tcp(sample.inner, { dontFragment }));
      expect(Buffer.from(sent).toString('hex')).toBe(Buffer.from(wanted).toString('hex'));
    }
  });

  test.each(CASES.map((sample) => [nameOf(sample), sample] as const))('%s: fits or not', (_, sample) => {
    const largest = MTU - overheadBytes(sample);
    const { sent, wanted } = send(sample, tcp(sample.inner, { length: largest }));
    expect(sent.length).toBe(wanted.length);
    expect(sent.length).toBe(MTU + 14 + (sample.tagAfter ? 4 : 0));
    const link = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC };
    const tooBig = frameOf(link, tcp(sample.inner, { length: largest + 1 }));
    expect(director.run(tooBig)).toMatchObject({ verdict: 'handed over', frame: tooBig });
  });

  test('tshark finds in them the packets that went in', () => {
    // It has no dissector for GUE.
    const readable = CASES.filter(({ tunnel }) => tunnel.type !== 'gue');
    const frames = readable.map((sample) => send(sample, tcp(sample.inner, {})).sent);
    expect(readByTshark(frames)).toEqual(readable.map(wantedOfTshark));
  });
});

function preparedImage(director: LoadedDirector, { inner, outer, tunnel, tagAfter }: Case): ForwardingImage {
  const image = new ForwardingImage(director.memory);
  const reals = [{ address: REALS[outer], weight: 1, serving: true }];
  const [common] = STANDARD_TABLE.services as [Service];
  const services = [{ ...common, vip: VIPS[inner], tunnel, reals }];
  image.setNow(1);
  image.apply({ ...STANDARD_TABLE, services }, 1);
  for (const { index } of image.reals()) {
    image.setPath(index, {
      sourceAddress: DIRECTORS[outer],
      mtuBytes: MTU,
      resolved: {
        nextHopMac: NEXT_HOP_MAC,
        sourceMac: DIRECTOR_MAC,
        ifIndex: INGRESS_IF_INDEX,
        vlan: tagAfter ? VLAN_AFTER : undefined,
      },
    });
  }
  return image;
}

function tcp(
  family: 4 | 6,
  { dontFragment = true, length = 100 }: { readonly dontFragment?: boolean; readonly length?: number },
): Uint8Array {
  const headerBytes = family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const payload = new Uint8Array(length - headerBytes - TCP_HEADER_BYTES);
  const addresses = { source: CLIENTS[family], destination: VIPS[family] };
  const ports = { sourcePort: 40_000, destinationPort: 80 };
  const segment = buildTcp({ ...addresses, ...ports, flags: TCP_FLAGS.ack, payload });
  return buildIp({ ...addresses, protocol: PROTOCOL.tcp, tos: TOS, ttl: 64, dontFragment }, segment);
}

function headerOf(packet: Uint8Array): IpHeader {
  const header = parseIpHeader(packet);
  if (isFault(header)) throw new Error(header);
  return header;
}

function overheadBytes({ tunnel, outer }: Case): number {
  return (outer === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) + { ipip: 0, gre: 4, gue: 12 }[tunnel.type];
}

function nameOf({ tunnel, inner, outer, tagBefore, tagAfter }: Case): string {
  const tags = `${tagBefore ? 'tagged' : 'untagged'} to ${tagAfter ? 'tagged' : 'untagged'}`;
  return `IPv${inner} in ${tunnel.type} over IPv${outer}, ${tags}`;
}

const TSHARK_FIELDS = ['vlan.id', 'ip.dst', 'ipv6.dst', 'tcp.dstport', 'ip.checksum.status', '_ws.malformed'];

/** Of each frame what tshark reads in those fields; of a field that occurs twice both, with a comma. */
function readByTshark(frames: readonly Uint8Array[]): string[] {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'culvert-'));
  const file = join(folder.path, 'sent.pcap');
  writeFileSync(file, writePcap(frames.map(asCaptured), LINK_TYPE.ethernet));
  const fields = TSHARK_FIELDS.flatMap((field) => ['-e', field]);
  const options = [
    '-r',
    file,
    '-o',
    'ip.check_checksum:TRUE',
    '-T',
    'fields',
    '-E',
    'separator=;',
    ...fields,
  ];
  return execFileSync('tshark', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trimEnd()
    .split('\n');
}

function asCaptured(bytes: Uint8Array): CapturedPacket {
  return { linkType: LINK_TYPE.ethernet, timeNs: 0n, bytes, originalLength: bytes.length };
}

function wantedOfTshark({ inner, outer, tagAfter }: Case): string {
  const families = [outer, inner];
  const destinations = { 4: [] as string[], 6: [] as string[] };
  destinations[outer].push(formatIp(REALS[outer]));
  destinations[inner].push(formatIp(VIPS[inner]));
  const good = families.filter((family) => family === 4).map(() => '1');
  return [tagAfter ? VLAN_AFTER : '', destinations[4], destinations[6], '80', good, ''].join(';');
}
