// The maps of the decapsulating program: what it accepts, as entries that are added and removed while it runs.
import { CulvertError } from '../../errors.ts';
import type { BpfMap } from '../../linux/bpf/map.ts';
import { mapKeys } from '../../linux/bpf/map-keys.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import { ownBytes } from '../../net/owned-bytes.ts';
import type { Acceptance, AcceptedEntry } from '../facts/facts.ts';
import type { TunnelType } from '../options.ts';
import { entryText } from '../plan/action.ts';
import { addressKey, addressOfKey } from './address-keys.ts';

/** The maps of bpf/realserver.bpf.c that hold what is accepted. */
export interface AcceptanceMaps {
  readonly accepted: BpfMap;
  readonly types: BpfMap;
  readonly directors: BpfMap;
}

/** Mirrors enum tunnel_kind of bpf/tunnel-header.h. */
const TUNNEL_KINDS = ['ipip', 'gre', 'gue'] as const;
const ADDRESS_BYTES = 16;
const PRESENT = new Uint8Array(Uint32Array.of(1).buffer);

export function readAcceptance(maps: AcceptanceMaps): Acceptance {
  return {
    entries: mapKeys(maps.accepted).flatMap(decodeEntry),
    directors: mapKeys(maps.directors).flatMap((key) => addressOfKey(key) ?? []),
  };
}

/**
 * Adds what is missing: each addition is complete by itself, so that no packet meets half of one.
 * @returns whether anything was missing.
 * @throws CulvertError REALSERVER when the table is full.
 */
export function accept(maps: AcceptanceMaps, wanted: Acceptance): boolean {
  const present = readAcceptance(maps);
  const directors = wanted.directors.filter((director) => !present.directors.includes(director));
  const entries = wanted.entries.filter(
    (entry) => !present.entries.some((other) => entryText(other) === entryText(entry)),
  );
  if (present.entries.length + entries.length > maps.accepted.maxEntries) {
    throw new CulvertError(
      'REALSERVER',
      `the XDP program accepts at most ${maps.accepted.maxEntries} pairs of VIP and tunnel`,
    );
  }
  for (const director of directors) maps.directors.update(addressKey(director), PRESENT);
  for (const key of entries.flatMap(typeKeys)) maps.types.update(key, PRESENT);
  for (const entry of entries) maps.accepted.update(entryKey(entry), PRESENT);
  return directors.length + entries.length > 0;
}

/** @returns whether any entry is left. */
export function refuseEntry(maps: AcceptanceMaps, entry: AcceptedEntry): boolean {
  maps.accepted.delete(entryKey(entry));
  const left = readAcceptance(maps).entries;
  const needed = new Set(left.flatMap(typeKeys).map(hex));
  for (const key of typeKeys(entry)) if (!needed.has(hex(key))) maps.types.delete(key);
  return left.length > 0;
}

export function refuseDirector(maps: Pick<AcceptanceMaps, 'directors'>, director: IpAddress): void {
  maps.directors.delete(addressKey(director));
}

/** Mirrors struct accepted_tunnel of programs that took one kind of tunnel. */
export function decodeType(value: Uint8Array): TunnelType {
  const [kind = 0, port = 0] = new Uint32Array(ownBytes(value).buffer);
  return { type: TUNNEL_KINDS[kind] ?? 'ipip', port };
}

/** Mirrors struct tunnel_type of bpf/realserver.bpf.c. */
function typeKey({ type, port }: TunnelType): Uint8Array {
  return new Uint8Array(Uint32Array.of(TUNNEL_KINDS.indexOf(type), port).buffer);
}

/** The program finds a kind without its port, too: later fragments do not tell that. */
function typeKeys({ type, port }: TunnelType): Uint8Array[] {
  return port === 0 ? [typeKey({ type, port })] : [typeKey({ type, port }), typeKey({ type, port: 0 })];
}

/** Mirrors struct accepted_key of bpf/realserver.bpf.c. */
function entryKey(entry: AcceptedEntry): Uint8Array {
  return Buffer.concat([addressKey(entry.vip), typeKey(entry)]);
}

function decodeEntry(key: Uint8Array): AcceptedEntry[] {
  const vip = addressOfKey(key.subarray(0, ADDRESS_BYTES));
  return vip === undefined ? [] : [{ vip, ...decodeType(key.subarray(ADDRESS_BYTES)) }];
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
