// The same packets through the kernel's IPVS in TUN mode and through culvert's forwarder (whose bytes are those of the
// fast path: programs.test.ts). What leaves must be the same, but for IDs that both take from a counter of their own.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Decision } from '../../../src/forwarding/decision.ts';
import { decide } from '../../../src/forwarding/forwarder.ts';
import { readU16, readU32, writeU16 } from '../../../src/net/bytes.ts';
import { describePacket } from '../../../src/net/describe/describe-packet.ts';
import {
  IPV4_AT,
  IPV4_HEADER_BYTES,
  ipv4ChecksumIsGood,
  writeIpv4Checksum,
} from '../../../src/net/headers/ipv4.ts';
import { NOW_MS, REALS } from '../../unit/forwarding/forwarder/fixture.ts';
import { CASES, culvertState, FIRST_PORTS, openings, PORT, TABLE } from './ipvs/cases.ts';
import { KernelDirector } from './ipvs/kernel-director.ts';

const DOCUMENT = readFileSync('docs/reference/ipvs-differences.md', 'utf8');
const DONT_FRAGMENT = 0x4000;

describe(`IPVS of Linux ${release()} and culvert`, () => {
  let kernel: KernelDirector;

  beforeAll(async () => {
    kernel = await KernelDirector.open(TABLE);
  });
  afterAll(() => kernel?.[Symbol.dispose]());

  test.each(CASES.map((row, i) => ({ ...row, i })))('$description', async (row) => {
    const packets = row.packets(FIRST_PORTS.cases + row.i);
    const theirs = (await kernel.forward(packets, row.paddingBytes)).map(comparable);
    const ours = culvert(packets).map(comparable);
    expect(theirs.length + ours.length, 'packets that left').toBeGreaterThan(0);
    if (row.difference === undefined) expect(ours).toEqual(theirs);
    else {
      expect(documented()).toContain(row.difference);
      expect(ours, 'no longer a difference').not.toEqual(theirs);
    }
  });

  test('rr: the last one first and backwards; culvert: the first one first and forwards', async () => {
    expect(documented()).toContain('`rr`');
    const packets = openings(PORT.rr, 6);
    expect(turns(await kernel.forward(packets))).toEqual([3, 2, 1, 3, 2, 1]);
    expect(turns(culvert(packets))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test('wrr: the kernel begins with the last pass of a round; the order is the same', async () => {
    expect(documented()).toContain('`wrr`, first round');
    const packets = openings(PORT.wrr, 18);
    const theirs = turns(await kernel.forward(packets));
    const ours = turns(culvert(packets));
    expect(theirs.slice(0, 3)).toEqual([3, 2, 1]);
    expect(ours.slice(0, 6)).toEqual([1, 2, 1, 3, 2, 1]);
    expect(theirs.slice(3)).toEqual(ours.slice(0, -3));
  });
});

/** What leaves culvert when these come one after another. */
function culvert(packets: readonly Uint8Array[]): Uint8Array[] {
  const state = culvertState();
  return packets.flatMap((packet) => sent(decide(packet, state, NOW_MS)));
}

function sent(decision: Decision): readonly Uint8Array[] {
  if (decision.verdict === 'forward') return decision.packets;
  return decision.verdict === 'answer' ? [decision.packet] : [];
}

/** A decode and all bytes; an ID that means something only by being there is written as 1. */
function comparable(packet: Uint8Array): string {
  expect(ipv4ChecksumIsGood(packet, 0, IPV4_HEADER_BYTES), 'the checksum of the outer header').toBe(true);
  const copy = packet.slice();
  const fragmentable = (readU16(copy, IPV4_AT.flags) & DONT_FRAGMENT) === 0;
  if (fragmentable && readU16(copy, IPV4_AT.id) !== 0) writeU16(copy, IPV4_AT.id, 1);
  writeIpv4Checksum(copy, 0, IPV4_HEADER_BYTES);
  return `${describePacket(copy)}\n${Buffer.from(copy).toString('hex')}`;
}

/** The reals that packets go to, as their numbers in the service. */
function turns(packets: readonly Uint8Array[]): number[] {
  return packets.map(
    (packet) => REALS.findIndex((real) => real === readU32(packet, IPV4_AT.destination)) + 1,
  );
}

/** The first column of the table of differences. */
function documented(): string[] {
  return [...DOCUMENT.matchAll(/^\| (.+?) \|/gm)].map(([, first]) => first as string);
}
