// A BPF map.
import { constants } from 'node:os';
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import { BpfDescriptor, objectInfo, openPinned } from './bpf-descriptor.ts';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';
import { type MappedMemory, mapShared } from './shared-memory.ts';

const { ENOENT } = constants.errno;

/** Entries fetched by one system call when a whole per-CPU map is read. */
const BATCH_ENTRIES = 4096;

/** A BPF map; its keys are numbers where they have 4 bytes, as those of all arrays do, else the bytes themselves. */
export class BpfMap extends BpfDescriptor {
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  readonly name: string;

  constructor(fd: number) {
    super(fd);
    const info = objectInfo(fd, 40);
    this.type = info.getUint32(0, true);
    this.keyBytes = info.getUint32(8, true);
    this.valueBytes = info.getUint32(12, true);
    this.maxEntries = info.getUint32(16, true);
    this.name = Buffer.from(info.buffer, 24, 16).toString('latin1').replace(/\0.*$/s, '');
  }

  static openPinned(path: string): BpfMap {
    return new BpfMap(openPinned(path));
  }

  /** A copy of one value; undefined when there is none. For maps that are not per-CPU. */
  lookup(key: number): Uint8Array | undefined {
    const value = new Uint8Array(this.valueBytes);
    const result = libbpf().bpf_map_lookup_elem(this.fd, keyBytes(key), value);
    if (result === -ENOENT) return undefined;
    check(`look up ${key} in the map ${this.name}`, result);
    return value;
  }

  update(key: number | Uint8Array, value: Uint8Array): void {
    if (value.length !== this.valueBytes) {
      throw new RangeError(
        `the map ${this.name} takes values of ${this.valueBytes} bytes, not ${value.length}`,
      );
    }
    if (keyBytes(key).length !== this.keyBytes) {
      throw new RangeError(`the map ${this.name} takes keys of ${this.keyBytes} bytes`);
    }
    check(
      `update ${typeof key === 'number' ? key : Buffer.from(key).toString('hex')} in the map ${this.name}`,
      libbpf().bpf_map_update_elem(this.fd, keyBytes(key), value, 0),
    );
  }

  /** Deletes an entry, if it exists. */
  delete(key: Uint8Array): void {
    const result = libbpf().bpf_map_delete_elem(this.fd, key);
    if (result === -ENOENT) return;
    check(`delete ${Buffer.from(key).toString('hex')} from the map ${this.name}`, result);
  }

  /** The memory of an array with BPF_F_MMAPABLE; it stays valid when the map's handle is disposed of. */
  mmap(): MappedMemory {
    const padded = Math.ceil(this.valueBytes / 8) * 8;
    return mapShared(this.name, this.fd, padded * this.maxEntries);
  }

  /**
   * The values of a per-CPU array of u64 fields, each field summed over all CPUs: `valueBytes / 8` sums per entry.
   * @param entries how many, from the first on; all unless given.
   */
  sumOverCpus(entries: number = this.maxEntries): BigUint64Array {
    const fields = this.valueBytes / 8;
    const cpus = possibleCpus();
    const sums = new BigUint64Array(entries * fields);
    const values = new BigUint64Array(Math.min(entries, BATCH_ENTRIES) * fields * cpus);
    for (const batch of this.#batches(entries, values)) {
      for (let entry = 0; entry < batch.count; entry++) {
        const to = (batch.first + entry) * fields;
        addCpus(sums.subarray(to, to + fields), values, { from: entry * fields * cpus, cpus });
      }
    }
    return sums;
  }

  /** Copies a per-CPU array of u64 fields into another of the same size; entries that are 0 on every CPU are left out. */
  copyOverCpus(to: BpfMap): void {
    const cpus = possibleCpus();
    const values = new BigUint64Array(
      (this.valueBytes / 8) * cpus * Math.min(this.maxEntries, BATCH_ENTRIES),
    );
    const words = (this.valueBytes / 8) * cpus;
    for (const { first, count } of this.#batches(this.maxEntries, values)) {
      for (let entry = 0; entry < count; entry++) {
        const value = values.subarray(entry * words, (entry + 1) * words);
        if (value.every((word) => word === 0n)) continue;
        const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
        const key = keyBytes(first + entry);
        check(`copy into the map ${to.name}`, libbpf().bpf_map_update_elem(to.fd, key, bytes, 0));
      }
    }
  }

  /** Zeroes one entry of a per-CPU array, on every CPU. */
  clearOverCpus(key: number): void {
    const zeros = new Uint8Array(Math.ceil(this.valueBytes / 8) * 8 * possibleCpus());
    check(
      `clear ${key} in the map ${this.name}`,
      libbpf().bpf_map_update_elem(this.fd, keyBytes(key), zeros, 0),
    );
  }

  *#batches(entries: number, values: BigUint64Array): Generator<{ first: number; count: number }> {
    const bytes = new Uint8Array(values.buffer);
    const keys = new Uint8Array(4 * BATCH_ENTRIES);
    const position = new Uint8Array(4);
    const count = new Uint32Array(1);
    for (let first = 0; first < entries; first += count[0]) {
      count[0] = Math.min(BATCH_ENTRIES, entries - first);
      const from = first === 0 ? null : position;
      const got = new Uint8Array(count.buffer);
      const result = libbpf().bpf_map_lookup_batch(this.fd, from, position, keys, bytes, got, null);
      // ENOENT marks the last batch.
      if (result !== -ENOENT) check(`read the map ${this.name}`, result);
      yield { first, count: count[0] };
      if (result === -ENOENT) return;
    }
  }
}

/** libbpf reads a file at the first call, and keeps the number. */
function possibleCpus(): number {
  return withSpareDescriptors(() => check('count the possible CPUs', libbpf().libbpf_num_possible_cpus()));
}

function addCpus(
  sums: BigUint64Array,
  values: BigUint64Array,
  where: { readonly from: number; readonly cpus: number },
): void {
  const fields = sums.length;
  for (let at = 0; at < fields * where.cpus; at++) {
    const field = at % fields;
    sums[field] = (sums[field] as bigint) + (values[where.from + at] as bigint);
  }
}

function keyBytes(key: number | Uint8Array): Uint8Array {
  return typeof key === 'number' ? new Uint8Array(Uint32Array.of(key).buffer) : key;
}
