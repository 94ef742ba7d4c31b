// Every kind of tunnel in both families, by BPF_PROG_TEST_RUN.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { type IpHeader, parseIpHeader } from '../../../src/forwarding/packets/ip-header.ts';
import { encapsulate, encapsulateInFragments } from '../../../src/forwarding/tunnel/encapsulate.ts';
import { routed } from '../../../src/forwarding/tunnel/routed.ts';
import { XDP_VERDICT } from '../../../src/linux/bpf/bpf-program.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { describeDifference } from '../../../src/net/describe/describe-difference.ts';
import { describeFrame } from '../../../src/net/describe/describe-packet.ts';
import { PROTOCOL, writeIpv4Checksum } from '../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../src/net/headers/ipv6.ts';
import { EXTENSION_HEADER, fragmentHeader } from '../../../src/net/headers/ipv6-extensions.ts';
import { ANYONE } from '../../../src/realserver/program/address-keys.ts';
import { encapsulated, encapsulatedFragments } from './encapsulated.ts';
import { LoadedProgram } from './loaded-program.ts';
import { expectedOutcome } from './model.ts';
import { GUE_PORT, inner, MIXES, TUNNEL_CASES } from './tunnel-cases.ts';
import {
  CLIENT6,
  DIRECTOR,
  DIRECTOR6,
  frame,
  REAL,
  REAL6,
  randomNumbers,
  reassembled,
  VIP,
  VIP6,
} from './tunnel-frames.ts';

const root = process.getuid?.() === 0;
const { pass, drop } = XDP_VERDICT;
const seed = Number(process.env.CULVERT_SEED ?? Date.now() % 0xffff_ffff);
const random = randomNumbers(seed);
const ACCEPTS = { vips: [VIP, VIP6], directors: [DIRECTOR, DIRECTOR6] };
const built = existsSync('build/bpf/realserver.bpf.o');

describe.skipIf(!root || !built)('tunnels of every kind (needs root and a built BPF object)', () => {
  const programs = new Map<Tunnel['type'], LoadedProgram>();
  let outerId = 0;

  beforeAll(() => {
    console.info(`random frames: CULVERT_SEED=${seed}`);
    for (const { tunnel } of MIXES) {
      if (!programs.has(tunnel.type)) programs.set(tunnel.type, new LoadedProgram({ ...ACCEPTS, tunnel }));
    }
  });
  afterAll(() => {
    for (const program of programs.values()) program[Symbol.dispose]();
  });

  /** Counts from here on. */
  function programFor({ type }: Tunnel): LoadedProgram {
    const program = programs.get(type) as LoadedProgram;
    program.startCounting();
    return program;
  }

  test.for(TUNNEL_CASES)('$description', ({ tunnel, input, output, count }) => {
    const program = programFor(tunnel);
    const { verdict, data } = program.run(frame(input));
    expect(program.counted()).toEqual(count === undefined ? {} : { [count]: 1 });
    expect(verdict).toBe(output === undefined ? drop : pass);
    if (output !== undefined) expect(describeDifference(frame(output), data, describeFrame)).toBeUndefined();
  });

  test.for(MIXES)('what a director sends comes out as a router would pass it: $name', (mix) => {
    const { tunnel, outer } = mix;
    const program = programFor(tunnel);
    const bytes = inner(mix.inner, 1300);
    const header = parseIpHeader(bytes) as IpHeader;
    const [source, destination] = outer === 4 ? [DIRECTOR, REAL] : [DIRECTOR6, REAL6];
    const outerHeader = {
      tunnel,
      source,
      destination,
      id: ++outerId,
      dontFragment: true,
      sourcePort: 50_000,
    };
    const [whole] = program.passed([encapsulate({ bytes, header }, outerHeader)]);
    expect(describeDifference(routed(bytes), whole ?? new Uint8Array(0))).toBeUndefined();
    if (hasRemoteChecksum(tunnel)) return;
    const fragments = encapsulateInFragments({ bytes, header }, outerHeader, 1280);
    expect(fragments.length).toBeGreaterThan(1);
    expect(reassembled(program.passed(fragments))).toEqual(Buffer.from(bytes.subarray(header.headerBytes)));
  });

  describe.for(MIXES.filter(({ tunnel }) => !hasRemoteChecksum(tunnel)))(
    'outer fragments: $name',
    ({ tunnel, outer, inner: family }) => {
      test('become fragments of the inner packet, whatever the sizes', () => {
        for (let round = 0; round < 60; round++) {
          const program = programFor(tunnel);
          const packet = inner(family, 100 + random(3000));
          const around = { tunnel, outer, id: ++outerId };
          const fragments = encapsulatedFragments(packet, around, 200 + random(1300));
          if (fragments.length === 1) continue;
          const passed = program.passed(fragments);
          expect(program.counted()).toEqual({ fragments: fragments.length });
          expect(reassembled(passed)).toEqual(Buffer.from(packet.subarray(family === 4 ? 20 : 40)));
        }
      });

      test('of which the last one comes first are joined', () => {
        for (let round = 0; round < 40; round++) {
          const program = programFor(tunnel);
          const packet = inner(family, 700 + random(1000));
          const around = { tunnel, outer, id: ++outerId };
          const whole = encapsulated(packet, around).length;
          const fragments = encapsulatedFragments(packet, around, whole - random(200));
          if (fragments.length !== 2) continue;
          const [joined = new Uint8Array(0), ...others] = program.passed(fragments.toReversed());
          expect(others).toEqual([]);
          expect(describeDifference(packet, joined.subarray(0, packet.length))).toBeUndefined();
          expect(program.counted()).toEqual({ joined: 1 });
        }
      });
    },
  );

  test.for([4, 6] as const)('a remote checksum is of all fragments, so they are lost (IPv%s)', (family) => {
    const tunnel = { type: 'gue', checksum: 'remote', port: GUE_PORT } as const;
    const program = programFor(tunnel);
    const around = { tunnel, outer: family, id: ++outerId };
    expect(program.passed(encapsulatedFragments(inner(family, 1600), around, 1500))).toEqual([]);
    expect(program.counted()).toEqual({ fragmentsLost: 1 });
  });

  test('a client fragment of IPv6 may be in outer fragments', () => {
    const program = programFor({ type: 'ipip' });
    const whole = inner(6, 2000);
    const client = [
      clientFragment(0, true, whole.subarray(40, 40 + 1448)),
      clientFragment(1448, false, whole.subarray(40 + 1448)),
    ];
    const fragments = client.flatMap((packet) =>
      encapsulatedFragments(packet, { tunnel: { type: 'ipip' }, outer: 6, id: ++outerId }, 1280),
    );
    expect(fragments).toHaveLength(3);
    expect(reassembled(program.passed([...fragments]))).toEqual(Buffer.from(whole.subarray(40)));
  });

  test.for([
    ['fd00::5', 6],
    ['10.0.9.9', 4],
  ] as const)('anyone of one family is accepted where that is said (%s)', ([source, outer]) => {
    const tunnel = { type: 'ipip' } as const;
    using program = new LoadedProgram({ vips: [VIP, VIP6], directors: [ANYONE[6]], tunnel });
    const packet = inner(4, 64);
    const { verdict } = program.run(frame(encapsulated(packet, { tunnel, outer, source: ip(source) })));
    expect(verdict).toBe(outer === 6 ? pass : drop);
  });

  test("a director's own fragmented packets are left alone, and so are others' where anyone is accepted", () => {
    const tunnel = { type: 'gue', checksum: 'none', port: GUE_PORT } as const;
    const own = encapsulatedFragments(
      inner(4, 2000),
      { tunnel: { ...tunnel, port: GUE_PORT + 1 }, outer: 4, id: ++outerId },
      1500,
    );
    expect(programFor(tunnel).passed(own)).toEqual(own);
    using open = new LoadedProgram({ vips: [VIP], directors: [], tunnel });
    expect(open.passed(own.toReversed())).toEqual(own.toReversed());
    expect(open.counted()).toEqual({});
  });

  test.for(MIXES)(
    'random and broken frames do as the model in TypeScript says: $name',
    ({ tunnel, outer, inner: family }) => {
      const program = programFor(tunnel);
      const sound = frame(encapsulated(inner(family, 60), { tunnel, outer }));
      for (let round = 0; round < 300; round++) {
        const data = damaged(sound, round);
        const expected = expectedOutcome(data, { ...ACCEPTS, tunnel });
        const { verdict, data: output } = program.run(data);
        expect([pass, drop], describeFrame(data)).toContain(verdict);
        if (expected === undefined) continue;
        expect(verdict, describeFrame(data)).toBe(expected === 'drop' ? drop : pass);
        if (expected === 'drop') continue;
        expect(describeDifference(expected, output, describeFrame), describeFrame(data)).toBeUndefined();
      }
    },
  );
});

function clientFragment(offsetBytes: number, more: boolean, part: Uint8Array): Uint8Array {
  const extension = fragmentHeader(PROTOCOL.udp, { id: 77, offsetBytes, more });
  const header = { source: CLIENT6, destination: VIP6, nextHeader: EXTENSION_HEADER.fragment };
  return buildIpv6(header, Buffer.concat([extension, part]));
}

function hasRemoteChecksum(tunnel: Tunnel): boolean {
  return tunnel.type === 'gue' && tunnel.checksum === 'remote';
}

/** A few bytes of the headers changed, or the end cut off; outer IPv4 checksums are mostly right again. */
function damaged(sound: Uint8Array, round: number): Uint8Array {
  const copy = Uint8Array.from(sound);
  for (let change = round % 4; change > 0; change--) {
    const at = 12 + random(120);
    if (at < copy.length) copy[at] = random(3) === 0 ? random(256) : (copy[at] ?? 0) ^ (1 << random(8));
  }
  if (round % 3 !== 0 && copy[12] === 8 && (copy[14] ?? 0) === 0x45) writeIpv4Checksum(copy, 14, 20);
  return round % 5 === 0 ? copy.subarray(0, 14 + random(copy.length - 14)) : copy;
}
