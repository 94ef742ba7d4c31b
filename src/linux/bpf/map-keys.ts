import { constants } from 'node:os';
import { check } from './check.ts';
import { libbpf } from './libbpf.ts';
import type { BpfMap } from './map.ts';

const { ENOENT } = constants.errno;

/** Every key of a small hash map, in no order; 4-byte keys, read by one call. */
export function mapKeys(map: BpfMap): number[] {
  const keys = new Uint32Array(map.maxEntries);
  const values = new Uint8Array(map.maxEntries * map.valueBytes);
  const count = Uint32Array.of(map.maxEntries);
  const bytes = new Uint8Array(keys.buffer);
  const got = new Uint8Array(count.buffer);
  const result = libbpf().bpf_map_lookup_batch(map.fd, null, new Uint8Array(4), bytes, values, got, null);
  // ENOENT says that there is nothing after what was read.
  if (result !== -ENOENT) check(`read the keys of the map ${map.name}`, result);
  return [...keys.subarray(0, count[0])];
}
