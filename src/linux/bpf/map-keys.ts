// Reads the keys of a small BPF map.
import { constants } from 'node:os';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';
import type { BpfMap } from './map.ts';

const { ENOENT } = constants.errno;

/** Every key of a small hash map, in no order, read by one call. */
export function mapKeys(map: BpfMap): Uint8Array[] {
  const keys = new Uint8Array(map.maxEntries * map.keyBytes);
  const values = new Uint8Array(map.maxEntries * map.valueBytes);
  const count = Uint32Array.of(map.maxEntries);
  const got = new Uint8Array(count.buffer);
  const result = libbpf().bpf_map_lookup_batch(map.fd, null, new Uint8Array(4), keys, values, got, null);
  // ENOENT says that there is nothing after what was read.
  if (result !== -ENOENT) check(`read the keys of the map ${map.name}`, result);
  return Array.from({ length: count[0] ?? 0 }, (_, at) =>
    keys.subarray(at * map.keyBytes, (at + 1) * map.keyBytes),
  );
}
