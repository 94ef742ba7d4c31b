// Messages of IPVS's synchronisation protocol, version 1: connections of one director as bytes for another.
import { type IpAddress, ipBytes, ipFromBytes, isIpv6 } from '../net/address/ip-address.ts';
import { readU16, readU32, writeU16, writeU32 } from '../net/bytes.ts';

/**
 * A connection, or a persistence template, as a message names it. Numbers are the kernel's: `flags` as in SYNC_FLAGS, `state` as in
 * sync-states.ts.
 */
export interface SyncConnection {
  /** The IP protocol number; a template of a firewall mark has 0. */
  readonly protocol: number;
  readonly flags: number;
  readonly state: number;
  /** For a template the clients' network. All three addresses are of one family. */
  readonly client: IpAddress;
  /** 0 for a template. */
  readonly clientPort: number;
  readonly vip: IpAddress;
  readonly port: number;
  readonly real: IpAddress;
  readonly realPort: number;
  readonly fwmark: number;
  /** The whole idle timeout of the connection; 0 if the sender does not say. */
  readonly timeoutS: number;
}

export interface SyncMessage {
  readonly syncId: number;
  readonly connections: readonly SyncConnection[];
  /** Connections left out: they have data of a persistence engine, or a mandatory option that is not known. */
  readonly skipped: number;
}

/** The texts of what can be wrong with a message, for people. */
export const SYNC_FAULTS = {
  'sync-truncated': 'fewer than 8 bytes of header',
  'sync-size': 'the size in the header is not that of the datagram',
  'sync-version': 'not version 1 of the protocol',
  'sync-connection-size': 'a connection runs beyond the message or is too short',
  'sync-connection-version': 'a connection of another version than 0',
  'sync-connection-type': 'a connection of neither IPv4 nor IPv6',
  'sync-option': 'an option of a connection is malformed',
} as const;

export type SyncFault = keyof typeof SYNC_FAULTS;

/** The flags of a connection that matter between directors: ip_vs.h of the kernel. */
export const SYNC_FLAGS = {
  methodMask: 0x7,
  tunnel: 0x2,
  noOutput: 0x80,
  inactive: 0x100,
  template: 0x1000,
} as const;

/** The most bytes of a message: the default of the kernel's receivers, which cut longer ones off. */
export const SYNC_MESSAGE_BYTES = 1472;

const HEADER_BYTES = 8;
const VERSION = 1;
const ADDRESSES_AT = 24;
const IPV4_BYTES = ADDRESSES_AT + 3 * 4;
const IPV6_BYTES = ADDRESSES_AT + 3 * 16;
const MOST_CONNECTIONS = 255;
const SIZE_MASK = 0x0fff;
const SIZE_BITS = 12;
const OPTION = { sequences: 1, engineData: 2, engineName: 3 } as const;
/** An option with this bit may be ignored by those that do not know it. */
const OPTIONAL = 0x40;
const SEQUENCES_BYTES = 24;
const ENGINE_NAME_BYTES = 16;

/**
 * Decodes a datagram; never throws. A malformed message is refused as a whole.
 *
 *     header      | 0 | syncid | size | connections | version | 0 | 0 |                                    8 bytes
 *     connection  | family | protocol | version, size | flags, 4 | state, 2 | ports: client, service, real |
 *                 | fwmark, 4 | timeout, 4 | addresses: client, service, real |  options           36 or 72 bytes
 *     option      | type | length | data |
 *
 * Big-endian; connections begin at multiples of four. Source: net/netfilter/ipvs/ip_vs_sync.c of Linux.
 */
export function decodeSyncMessage(bytes: Uint8Array): SyncMessage | SyncFault {
  if (bytes.length < HEADER_BYTES) return 'sync-truncated';
  if (readU16(bytes, 2) !== bytes.length) return 'sync-size';
  if (bytes[0] !== 0 || bytes[5] !== VERSION || readU16(bytes, 6) !== 0) return 'sync-version';
  const connections: SyncConnection[] = [];
  const count = bytes[4] as number;
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const sized = connectionEnd(bytes, at);
    if (typeof sized === 'string') return sized;
    const options = readOptions(bytes, at + fixedBytes(bytes, at), sized);
    if (typeof options === 'string') return options;
    if (options) connections.push(readConnection(bytes, at));
    at = (sized + 3) & ~3;
  }
  return { syncId: bytes[1] as number, connections, skipped: count - connections.length };
}

export function isSyncFault(decoded: SyncMessage | SyncFault): decoded is SyncFault {
  return typeof decoded === 'string';
}

/** Encodes connections into as few messages as hold them, in their order. @param mostBytes of a message */
export function* encodeSyncMessages(
  syncId: number,
  connections: Iterable<SyncConnection>,
  mostBytes: number = SYNC_MESSAGE_BYTES,
): Generator<Uint8Array<ArrayBuffer>> {
  let draft = startMessage(syncId, mostBytes);
  for (const connection of connections) {
    const size = isIpv6(connection.vip) ? IPV6_BYTES : IPV4_BYTES;
    if (draft.count === MOST_CONNECTIONS || draft.end + size > mostBytes) {
      yield finishMessage(draft);
      draft = startMessage(syncId, mostBytes);
    }
    writeConnection(draft.bytes, draft.end, connection);
    draft.end += size;
    draft.count++;
  }
  if (draft.count > 0) yield finishMessage(draft);
}

interface Draft {
  readonly bytes: Uint8Array<ArrayBuffer>;
  end: number;
  count: number;
}

function startMessage(syncId: number, mostBytes: number): Draft {
  const bytes = new Uint8Array(mostBytes);
  bytes[1] = syncId;
  bytes[5] = VERSION;
  return { bytes, end: HEADER_BYTES, count: 0 };
}

function finishMessage({ bytes, end, count }: Draft): Uint8Array<ArrayBuffer> {
  writeU16(bytes, 2, end);
  bytes[4] = count;
  return bytes.subarray(0, end);
}

/** Returns where the connection that begins here ends. */
function connectionEnd(bytes: Uint8Array, at: number): number | SyncFault {
  if (at + IPV4_BYTES > bytes.length) return 'sync-connection-size';
  const word = readU16(bytes, at + 2);
  const size = word & SIZE_MASK;
  if (word >>> SIZE_BITS !== 0) return 'sync-connection-version';
  if ((bytes[at] as number) > 1) return 'sync-connection-type';
  if (size < fixedBytes(bytes, at) || at + size > bytes.length) return 'sync-connection-size';
  return at + size;
}

function fixedBytes(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0 ? IPV4_BYTES : IPV6_BYTES;
}

/** Returns false if the connection cannot be used without what an option says. Sequence numbers concern NAT alone. */
function readOptions(bytes: Uint8Array, from: number, end: number): boolean | SyncFault {
  const seen = new Set<number>();
  let isUsable = true;
  for (let at = from; at < end; ) {
    if (at + 2 > end) return 'sync-option';
    const type = bytes[at] as number;
    const length = bytes[at + 1] as number;
    const kind = type & ~OPTIONAL;
    if (length === 0 || at + 2 + length > end || seen.has(kind)) return 'sync-option';
    if (kind === OPTION.sequences && length !== SEQUENCES_BYTES) return 'sync-option';
    if (kind === OPTION.engineName && length > ENGINE_NAME_BYTES) return 'sync-option';
    const isKnown = kind === OPTION.sequences;
    if (isKnown || kind === OPTION.engineData || kind === OPTION.engineName) seen.add(kind);
    isUsable &&= isKnown || (kind !== OPTION.engineData && kind !== OPTION.engineName && type !== kind);
    at += 2 + length;
  }
  return isUsable;
}

function readConnection(bytes: Uint8Array, at: number): SyncConnection {
  const size = bytes[at] === 0 ? 4 : 16;
  const address = (nth: number): IpAddress => {
    const from = at + ADDRESSES_AT + nth * size;
    return ipFromBytes(bytes.subarray(from, from + size)) as IpAddress;
  };
  return {
    protocol: bytes[at + 1] as number,
    flags: readU32(bytes, at + 4),
    state: readU16(bytes, at + 8),
    clientPort: readU16(bytes, at + 10),
    port: readU16(bytes, at + 12),
    realPort: readU16(bytes, at + 14),
    fwmark: readU32(bytes, at + 16),
    timeoutS: readU32(bytes, at + 20),
    client: address(0),
    vip: address(1),
    real: address(2),
  };
}

function writeConnection(bytes: Uint8Array, at: number, connection: SyncConnection): void {
  const addresses = [connection.client, connection.vip, connection.real].map(ipBytes);
  const size = (addresses[0] as Uint8Array).length;
  bytes[at] = size === 4 ? 0 : 1;
  bytes[at + 1] = connection.protocol;
  writeU16(bytes, at + 2, ADDRESSES_AT + 3 * size);
  writeU32(bytes, at + 4, connection.flags);
  writeU16(bytes, at + 8, connection.state);
  writeU16(bytes, at + 10, connection.clientPort);
  writeU16(bytes, at + 12, connection.port);
  writeU16(bytes, at + 14, connection.realPort);
  writeU32(bytes, at + 16, connection.fwmark);
  writeU32(bytes, at + 20, connection.timeoutS);
  addresses.forEach((address, nth) => bytes.set(address, at + ADDRESSES_AT + nth * size));
}
