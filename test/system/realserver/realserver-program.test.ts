// The decapsulating XDP program alone, by BPF_PROG_TEST_RUN.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { XDP_VERDICT } from '../../../src/linux/bpf/bpf-program.ts';
import { describeDifference } from '../../../src/net/describe/describe-difference.ts';
import { describeFrame } from '../../../src/net/describe/describe-packet.ts';
import { ETHERNET_HEADER_BYTES } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, ipv4ChecksumIsGood, PROTOCOL, writeIpv4Checksum } from '../../../src/net/headers/ipv4.ts';
import type { DecapsulationCounts } from '../../../src/realserver/facts/facts.ts';
import {
  CASES,
  ECN,
  edited,
  large,
  RECORD_ROUTE,
  SECOND_VIP,
  small,
  sumMended,
  withOptions,
} from './cases.ts';
import { LoadedProgram } from './loaded-program.ts';
import { expectedOutcome } from './model.ts';
import {
  CLIENT,
  clientPacket,
  DIRECTOR,
  frame,
  headerOf,
  outerFragments,
  REAL,
  randomNumbers,
  reassembled,
  STRANGER,
  tunnelled,
  VIP,
} from './tunnel-frames.ts';

const root = process.getuid?.() === 0;
const built = existsSync('build/bpf/realserver.bpf.o');
const { pass, drop } = XDP_VERDICT;

const ACCEPTS = { vips: [VIP, SECOND_VIP], directors: [DIRECTOR], tunnel: { type: 'ipip' } } as const;
const seed = Number(process.env.CULVERT_SEED ?? Date.now() % 0xffff_ffff);
const random = randomNumbers(seed);

describe.skipIf(!root || !built)('the decapsulating program (needs root and a built BPF object)', () => {
  let program: LoadedProgram;
  let outerId = 1;

  const counted = (): Partial<DecapsulationCounts> => program.counted();
  const passed = (packets: readonly Uint8Array[]): Uint8Array[] => program.passed(packets);

  beforeAll(() => {
    console.info(`random frames: CULVERT_SEED=${seed}`);
    program = new LoadedProgram(ACCEPTS);
  });
  beforeEach(() => {
    program.startCounting();
    outerId++;
  });
  afterAll(() => program?.[Symbol.dispose]());

  test.for(CASES)('$description', (entry) => {
    const { verdict, data } = program.run(entry.input);
    expect(verdict).toBe(entry.verdict);
    if (verdict === pass) {
      expect(describeDifference(entry.output ?? entry.input, data, describeFrame)).toBeUndefined();
    }
    expect(counted()).toEqual(entry.count === undefined ? {} : { [entry.count]: 1 });
  });

  test('with no director named anyone is accepted', () => {
    using anyone = new LoadedProgram({ ...ACCEPTS, directors: [] });
    const { verdict, data } = anyone.run(frame(tunnelled(small, { source: STRANGER })));
    expect(verdict).toBe(pass);
    expect(describeDifference(frame(small), data, describeFrame)).toBeUndefined();
  });

  test('two outer fragments become two fragments of the inner packet', () => {
    const inner = clientPacket(1472, { dontFragment: true, id: 0 });
    const outer = outerFragments(inner, 1500, { id: outerId });
    expect(outer.map((packet) => packet.length)).toEqual([1500, 40]);
    const [first, second] = passed(outer).map((packet) =>
      packet.subarray(0, headerOf(packet).totalLength),
    ) as [Uint8Array, Uint8Array];
    // 1,460 bytes of data came first, but a fragment that is not the last ends on a multiple of 8.
    expect(headerOf(first)).toMatchObject({ totalLength: 20 + 1456, moreFragments: true, id: outerId });
    expect(headerOf(second)).toMatchObject({
      totalLength: 20 + 24,
      fragmentOffsetBytes: 1456,
      moreFragments: false,
      id: outerId,
      source: CLIENT,
      destination: VIP,
      protocol: PROTOCOL.udp,
    });
    for (const packet of [first, second]) expect(ipv4ChecksumIsGood(packet, 0, 20)).toBe(true);
    expect(reassembled([second, first])).toEqual(Buffer.from(inner.subarray(20)));
    expect(counted()).toEqual({ fragments: 2 });
  });

  test('in the wrong order they are joined', () => {
    const inner = clientPacket(1472, { dontFragment: true, id: 0 });
    const packets = passed(outerFragments(inner, 1500, { id: outerId }).toReversed());
    expect(packets).toHaveLength(1);
    expect(describeDifference(inner, packets[0] ?? new Uint8Array(0))).toBeUndefined();
    expect(counted()).toEqual({ joined: 1 });
  });

  test('any size, any number of fragments, inner options and inner fragments', () => {
    for (let round = 0; round < 400; round++) {
      outerId++;
      const bytes = 100 + random(3000);
      const mtu = 100 + random(1400);
      const options = round % 3 === 0 ? RECORD_ROUTE : undefined;
      // An inner fragment that is not the last carries a multiple of 8 bytes, UDP header included.
      const inner =
        round % 4 === 0
          ? clientPacket(bytes & ~7, { id: round, moreFragments: true, fragmentOffsetBytes: 16 }, options)
          : clientPacket(bytes, { id: round + 1, dontFragment: round % 2 === 0 }, options);
      const outer = outerFragments(inner, mtu, { id: outerId });
      if (outer.length === 1) continue;
      const fragments = passed(outer);
      expect(fragments, `${inner.length} bytes, MTU ${mtu}`).toHaveLength(outer.length);
      const last = headerOf(fragments.at(-1) ?? new Uint8Array(0));
      expect(last.moreFragments).toBe(round % 4 === 0);
      const whole = fragments.map((packet, at) =>
        buildIpv4(
          {
            ...headerOf(packet),
            fragmentOffsetBytes: headerOf(packet).fragmentOffsetBytes - (round % 4 === 0 ? 16 : 0),
            moreFragments: at < fragments.length - 1,
          },
          packet.subarray(headerOf(packet).headerBytes, headerOf(packet).totalLength),
        ),
      );
      expect(reassembled(whole), `${inner.length} bytes, MTU ${mtu}`).toEqual(
        Buffer.from(inner.subarray(headerOf(inner).headerBytes)),
      );
    }
  });

  test('two of any size in the wrong order', () => {
    for (let round = 0; round < 200; round++) {
      outerId++;
      const inner = clientPacket(700 + random(1300), { id: round });
      // The last one is 1 to 240 bytes longer than the room that the frame of the first one has for it.
      const outer = outerFragments(inner, inner.length + 20 - random(240), { id: outerId });
      if (outer.length !== 2) continue;
      const [whole = new Uint8Array(0)] = passed(outer.toReversed());
      expect(describeDifference(inner, whole.subarray(0, inner.length))).toBeUndefined();
    }
  });

  test('a mark of congestion on either fragment is one on the packet', () => {
    const inner = clientPacket(1472, { tos: ECN.ect0 });
    const [first, second] = outerFragments(inner, 1500, { id: outerId }) as [Uint8Array, Uint8Array];
    const marked = sumMended(edited(second, (copy) => copy.fill(ECN.ce, 1, 2)));
    expect(passed([first, marked]).map((packet) => headerOf(packet).tos)).toEqual([ECN.ect0, ECN.ce]);
    const [joined = new Uint8Array(20)] = passed([marked, first]);
    expect(headerOf(joined).tos).toBe(ECN.ce);
    expect(ipv4ChecksumIsGood(joined, 0, 20)).toBe(true);
  });

  test('fragments from a stranger, for no VIP, unsound, repeated or alone go nowhere', () => {
    const inner = clientPacket(1472);
    const id = outerId;
    const strange = outerFragments(inner, 1500, { id, source: STRANGER });
    // The second one tells nothing of what it is for, so that it is the stack's.
    expect(passed(strange)).toEqual([strange[1]]);
    expect(counted()).toEqual({ refusedSource: 1 });

    const [foreign = inner] = outerFragments(clientPacket(1472, { destination: REAL }), 1500, { id });
    expect(passed([foreign])).toEqual([foreign]);

    const [first, second] = outerFragments(inner, 1500, { id: id + 1000 }) as [Uint8Array, Uint8Array];
    const badSum = sumMended(edited(first, (copy) => copy.fill((copy[30] ?? 0) ^ 1, 30, 31)));
    expect(passed([badSum, second, second])).toEqual([]);
    expect(counted()).toMatchObject({ malformed: 1, fragmentsLost: 1 });
    expect(passed([first, second])).toHaveLength(1);
  });

  test('random and broken frames: never out of range, and as the model in TypeScript says', () => {
    const sound = [tunnelled(small), tunnelled(large, {}, RECORD_ROUTE), tunnelled(withOptions), small];
    for (let round = 0; round < 20_000; round++) {
      const data = edited(frame(sound[round % sound.length] ?? small), (copy) => {
        for (let change = round % 4; change > 0; change--) {
          copy[12 + random(50)] = random(256);
        }
      }).subarray(0, round % 5 === 0 ? 14 + random(90) : undefined);
      if (round % 2 === 0 && data.length > 34) mendOuterSum(data);
      const expected = expectedOutcome(data, ACCEPTS);
      const { verdict, data: output } = program.run(data);
      expect([pass, drop], describeFrame(data)).toContain(verdict);
      if (expected === undefined) continue;
      expect(verdict, describeFrame(data)).toBe(expected === 'drop' ? drop : pass);
      if (expected !== 'drop') {
        expect(describeDifference(expected, output, describeFrame), describeFrame(data)).toBeUndefined();
      }
    }
  });
});

/** Lets changes get beyond the outer checksum. */
function mendOuterSum(data: Uint8Array): void {
  const headerBytes = ((data[ETHERNET_HEADER_BYTES] ?? 0) & 15) * 4;
  if (headerBytes < 20 || ETHERNET_HEADER_BYTES + headerBytes > data.length) return;
  writeIpv4Checksum(data, ETHERNET_HEADER_BYTES, headerBytes);
}
