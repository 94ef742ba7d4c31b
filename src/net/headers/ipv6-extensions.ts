// Extension headers of IPv6 (RFC 8200).
import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import type { ParseFault } from '../fault.ts';
import { IPV6_AT, IPV6_HEADER_BYTES, parseQuotedIpv6Header } from './ipv6.ts';

/** Next headers that are not an upper layer's (RFC 8200, section 4; RFC 4302). */
export const EXTENSION_HEADER = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  noNextHeader: 59,
  destinationOptions: 60,
} as const;

export const FRAGMENT_HEADER_BYTES = 8;

/** More than any sender has use for; a packet made of them must not cost more than another. */
const MAX_EXTENSION_HEADERS = 8;

/** A fragment header (RFC 8200, 4.5). */
export interface Ipv6Fragment {
  readonly id: number;
  /** A multiple of 8, counted from behind the fragment header. */
  readonly offsetBytes: number;
  /** True if fragments follow. False with an offset of 0 is an atomic fragment: the packet is whole (RFC 6946). */
  readonly more: boolean;
  /** Offset of the fragment header. */
  readonly at: number;
}

export interface UpperLayer {
  /**
   * One of `PROTOCOL`, `noNextHeader`, whatever else is no extension header that is known here (ESP among them), or a second
   * fragment header, which only reassembly of the first could make sense of. In a later fragment: of the first one's data.
   */
  readonly protocol: number;
  /** Offset of the field that names it: in the IPv6 header or the last extension header. */
  readonly namedAt: number;
  /** Offset of its header, or of a later fragment's data: at most the packet's end. */
  readonly at: number;
  readonly fragment: Ipv6Fragment | undefined;
  /** The last routing header. While segments are left, the packet's destination is not its last one. */
  readonly routing: { readonly type: number; readonly segmentsLeft: number } | undefined;
}

/** Finds what the IPv6 packet at `at` carries behind its extension headers; it may be cut off behind those, as when it is quoted. */
export function findUpperLayer(bytes: Uint8Array, at = 0): UpperLayer | ParseFault {
  const header = parseQuotedIpv6Header(bytes, at);
  if (typeof header === 'string') return header;
  const end = Math.min(at + header.totalLength, bytes.length);
  let found: UpperLayer = {
    protocol: header.nextHeader,
    namedAt: at + IPV6_AT.nextHeader,
    at: at + IPV6_HEADER_BYTES,
    fragment: undefined,
    routing: undefined,
  };
  for (let count = 0; isExtension(found); count++) {
    if (count === MAX_EXTENSION_HEADERS) return 'ipv6-extension-count';
    if (found.protocol === EXTENSION_HEADER.hopByHop && count > 0) return 'ipv6-extension-order';
    const next = skipExtension(bytes, found, end);
    if (typeof next === 'string') return next;
    found = next;
  }
  return found;
}

/** The 8 bytes of a fragment header that announces `nextHeader`; `offsetBytes` is a multiple of 8. */
export function fragmentHeader(
  nextHeader: number,
  fragment: Pick<Ipv6Fragment, 'id' | 'offsetBytes' | 'more'>,
): Uint8Array {
  const header = new Uint8Array(FRAGMENT_HEADER_BYTES);
  header[0] = nextHeader;
  writeU16(header, 2, fragment.offsetBytes | (fragment.more ? 1 : 0));
  writeU32(header, 4, fragment.id);
  return header;
}

function isExtension({ protocol, fragment }: UpperLayer): boolean {
  switch (protocol) {
    case EXTENSION_HEADER.fragment:
      return fragment === undefined;
    case EXTENSION_HEADER.hopByHop:
    case EXTENSION_HEADER.routing:
    case EXTENSION_HEADER.authentication:
    case EXTENSION_HEADER.destinationOptions:
      return fragment === undefined || fragment.offsetBytes === 0;
    default:
      return false;
  }
}

function skipExtension(bytes: Uint8Array, found: UpperLayer, end: number): UpperLayer | ParseFault {
  const { at, protocol } = found;
  if (at + 8 > end || at + extensionBytes(bytes, protocol, at) > end) return 'ipv6-extension-truncated';
  return {
    protocol: bytes[at] as number,
    namedAt: at,
    at: at + extensionBytes(bytes, protocol, at),
    fragment: protocol === EXTENSION_HEADER.fragment ? readFragment(bytes, at) : found.fragment,
    routing:
      protocol === EXTENSION_HEADER.routing
        ? { type: bytes[at + 2] as number, segmentsLeft: bytes[at + 3] as number }
        : found.routing,
  };
}

function extensionBytes(bytes: Uint8Array, protocol: number, at: number): number {
  if (protocol === EXTENSION_HEADER.fragment) return FRAGMENT_HEADER_BYTES;
  const length = bytes[at + 1] as number;
  return protocol === EXTENSION_HEADER.authentication ? (length + 2) * 4 : (length + 1) * 8;
}

function readFragment(bytes: Uint8Array, at: number): Ipv6Fragment {
  const offsetAndFlags = readU16(bytes, at + 2);
  return {
    id: readU32(bytes, at + 4),
    offsetBytes: offsetAndFlags & 0xfff8,
    more: (offsetAndFlags & 1) !== 0,
    at,
  };
}
