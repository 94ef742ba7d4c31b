// Every BPF program of build/bpf is loaded and verified, and the fast path is held against the forwarder.
import { readdirSync } from 'node:fs';
import { release } from 'node:os';
import { describe, expect, test } from 'vitest';
import { openBpfObject } from '../../../src/linux/bpf/object.ts';
import { runDifferential, SMALL_CAPACITY } from '../../fuzz/differential.ts';
import { LoadedDirector } from '../../fuzz/loaded-director.ts';

const DIRECTORY = 'build/bpf';
const PACKETS = 2000;
const objects = readdirSync(DIRECTORY).filter((name) => name.endsWith('.bpf.o'));
/** The same each time: here it is the kernel that varies, and few tables may hold little that the fast path sends. */
const seed = Number(process.env.CULVERT_SEED ?? 1);

describe(`BPF programs on Linux ${release()}`, () => {
  test('there are the four known ones', () => {
    const known = ['bench.bpf.o', 'director.bpf.o', 'pass.bpf.o', 'realserver.bpf.o'];
    expect(objects).toEqual(expect.arrayContaining(known));
  });

  test.for(objects)('%s is accepted', (name) => {
    // With the director's own map sizes the guest's memory would not do.
    const options = name.startsWith('director') ? { mapSizes: { slots: 1 << 16, flows: 1 << 12 } } : {};
    using object = openBpfObject(`${DIRECTORY}/${name}`, options);
    expect(object).toBeDefined();
  });

  test(`the fast path does what the forwarder does (seed ${seed})`, () => {
    using director = new LoadedDirector(SMALL_CAPACITY);
    const { packets, sent } = runDifferential(director, seed, PACKETS);
    expect(packets).toBeGreaterThanOrEqual(PACKETS);
    expect(sent).toBeGreaterThan(0.15 * PACKETS);
  });
});
