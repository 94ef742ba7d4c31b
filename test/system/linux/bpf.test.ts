// libbpf through koffi: objects, maps, programs, pins and links in the real kernel.
//
//   namespace culvert-bpf-PID:  left ---- veth ---- right
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CulvertError } from '../../../src/errors.ts';
import { BpfProgram, XDP_VERDICT } from '../../../src/linux/bpf/bpf-program.ts';
import { BpfMap } from '../../../src/linux/bpf/map.ts';
import { openBpfObject } from '../../../src/linux/bpf/object.ts';
import { queryXdp } from '../../../src/linux/bpf/query.ts';
import { XdpLink } from '../../../src/linux/bpf/xdp-link.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { DIRECTOR_OBJECT, whyNotLoadable } from '../../fuzz/loaded-director.ts';

const PASS_OBJECT = 'build/bpf/pass.bpf.o';
const NAMESPACE = `culvert-bpf-${process.pid}`;
const PINS = `/sys/fs/bpf/${NAMESPACE}`;
const SIZES = { slots: 64, flows: 16 };
const missing = whyNotLoadable() ?? (existsSync('/sys/fs/bpf') ? undefined : 'no bpffs');

describe.skipIf(missing !== undefined)(`libbpf (${missing ?? 'usable'})`, () => {
  beforeAll(() => {
    execFileSync('ip', ['netns', 'add', NAMESPACE]);
    const link = ['link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'];
    execFileSync('nsenter', [`--net=/run/netns/${NAMESPACE}`, 'ip', ...link]);
    mkdirSync(PINS);
  });
  afterAll(() => {
    execFileSync('ip', ['netns', 'delete', NAMESPACE]);
    for (const name of ['map', 'program', 'link']) {
      if (existsSync(`${PINS}/${name}`)) unlinkSync(`${PINS}/${name}`);
    }
    rmdirSync(PINS);
  });

  test('maps take the size asked for, and their memory is shared with look-ups', () => {
    using object = openBpfObject(DIRECTOR_OBJECT, { mapSizes: SIZES });
    using slots = object.map('slots');
    expect([slots.maxEntries, slots.valueBytes]).toEqual([SIZES.slots, 64]);
    using mapped = slots.mmap();
    new Uint8Array(mapped.buffer)[64] = 7;
    expect(slots.lookup(1)?.[0]).toBe(7);
    slots.update(2, new Uint8Array(64).fill(9));
    expect(new Uint8Array(mapped.buffer)[2 * 64 + 5]).toBe(9);
    expect(slots.lookup(SIZES.slots)).toBeUndefined();
    expect(() => slots.update(0, new Uint8Array(63))).toThrow(RangeError);
  });

  test('memory that was given back is out of reach', () => {
    using object = openBpfObject(DIRECTOR_OBJECT, { mapSizes: SIZES });
    using slots = object.map('slots');
    const mapped = slots.mmap();
    const view = new Uint8Array(mapped.buffer);
    mapped[Symbol.dispose]();
    expect([view.length, mapped.buffer.detached]).toEqual([0, true]);
  });

  test('per-CPU values are summed, and one entry of them zeroed', () => {
    using object = openBpfObject(DIRECTOR_OBJECT, { mapSizes: SIZES });
    using counters = object.map('counters');
    const last = counters.maxEntries - 1;
    expect(counters.sumOverCpus().length).toBe(3 * counters.maxEntries);
    counters.clearOverCpus(last);
    expect([...counters.sumOverCpus().subarray(3 * last)]).toEqual([0n, 0n, 0n]);
  });

  test('a pinned map is used again by the next object', () => {
    {
      using object = openBpfObject(DIRECTOR_OBJECT, { mapSizes: SIZES });
      using slots = object.map('slots');
      slots.update(3, new Uint8Array(64).fill(3));
      slots.pin(`${PINS}/map`);
    }
    using pinned = BpfMap.openPinned(`${PINS}/map`);
    using object = openBpfObject(DIRECTOR_OBJECT, { mapSizes: { flows: 16 }, reuse: { slots: pinned } });
    using again = object.map('slots');
    expect([again.maxEntries, again.lookup(3)?.[63]]).toEqual([SIZES.slots, 3]);
  });

  test('a program runs on a frame, pinned or not, and is known by its tag', () => {
    using object = openBpfObject(PASS_OBJECT);
    using program = object.program('pass');
    program.pin(`${PINS}/program`);
    using pinned = BpfProgram.openPinned(`${PINS}/program`);
    expect(pinned.info()).toEqual(program.info());
    expect(pinned.info().tag).toMatch(/^[0-9a-f]{16}$/);
    const frame = new Uint8Array(60).fill(1);
    expect(pinned.testRun({ data: frame, repeat: 10 })).toMatchObject({
      verdict: XDP_VERDICT.pass,
      data: frame,
    });
  });

  test('a link attaches, is replaced, outlives its descriptor while pinned, and ends by detaching', () => {
    inNamespace(NAMESPACE, () => {
      const ifIndex = ifIndexOf('left');
      using object = openBpfObject(PASS_OBJECT);
      using program = object.program('pass');
      expect(queryXdp(ifIndex)).toBeUndefined();
      {
        using link = XdpLink.create(program, ifIndex, 'native');
        expect(link.info()).toEqual({ ifIndex, programId: program.info().id });
        expect(queryXdp(ifIndex)).toEqual({ mode: 'native', programId: program.info().id });
        link.pin(`${PINS}/link`);
      }
      using pinned = XdpLink.openPinned(`${PINS}/link`);
      using other = openBpfObject(PASS_OBJECT);
      using replacement = other.program('pass');
      pinned.update(replacement);
      expect(queryXdp(ifIndex)?.programId).toBe(replacement.info().id);
      pinned.detach();
      expect([pinned.info().ifIndex, queryXdp(ifIndex)]).toEqual([0, undefined]);
    });
  });

  test('an interface that has a program already: said so, with which', () => {
    inNamespace(NAMESPACE, () => {
      const ifIndex = ifIndexOf('right');
      using object = openBpfObject(PASS_OBJECT);
      using program = object.program('pass');
      using first = XdpLink.create(program, ifIndex, 'generic');
      for (const mode of ['generic', 'native'] as const) {
        const error = thrownBy(() => XdpLink.create(program, ifIndex, mode));
        expect(error.code).toBe('XDP_OCCUPIED');
        expect(error.message).toContain(`id ${first.info().programId}, generic mode`);
      }
    });
  });

  test("a driver without native XDP: the kernel's reason", () => {
    inNamespace(NAMESPACE, () => {
      execFileSync('ip', ['link', 'add', 'simple', 'type', 'ifb']);
      using object = openBpfObject(PASS_OBJECT);
      using program = object.program('pass');
      const error = thrownBy(() => XdpLink.create(program, ifIndexOf('simple'), 'native'));
      expect(error).toMatchObject({
        code: 'KERNEL',
        message: expect.stringContaining('Operation not supported'),
      });
    });
  });

  test('what is not there is named', () => {
    expect(thrownBy(() => openBpfObject('build/bpf/none.bpf.o')).message).toContain('build/bpf/none.bpf.o');
    expect(thrownBy(() => openBpfObject(new Uint8Array(100))).message).toContain('100 bytes');
    using object = openBpfObject(PASS_OBJECT);
    expect(thrownBy(() => object.map('slots')).message).toContain('slots');
    expect(thrownBy(() => object.program('director')).message).toContain('director');
    expect(thrownBy(() => BpfMap.openPinned(`${PINS}/none`)).message).toContain(`${PINS}/none`);
  });
});

function ifIndexOf(name: string): number {
  const [link] = JSON.parse(execFileSync('ip', ['-j', 'link', 'show', 'dev', name]).toString()) as {
    ifindex: number;
  }[];
  return link?.ifindex ?? 0;
}

function thrownBy(action: () => unknown): CulvertError {
  try {
    action();
  } catch (error) {
    if (error instanceof CulvertError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
