// The configuration of one attempt of a check, by type, with every default filled in.
import type { RunConfig } from '../../linux/process/command-config.ts';

/** The configuration of one attempt of a check. Lengths are bytes, `payload` and `reply` hexadecimal. */
export type ProbeConfig =
  | { readonly type: 'tcp' }
  | { readonly type: 'ping' }
  | HttpProbeConfig
  | SmtpProbeConfig
  | DnsProbeConfig
  | UdpProbeConfig
  | MiscProbeConfig
  | FileProbeConfig
  | BfdProbeConfig;

export type CheckType = ProbeConfig['type'];

export interface HttpProbeConfig {
  readonly type: 'http' | 'https';
  /** Fetched one after the other; all must pass. */
  readonly urls: readonly HttpUrlConfig[];
  /** True: an attempt fetches one of them, the next attempt the next one; a real that is down is up when all have passed. */
  readonly rotate: boolean;
  /** True: what has to pass for a real that is down is fetched without waiting for the interval in between. */
  readonly fastRecovery: boolean;
  /** `1.0C` is 1.0 with `Connection: close`, which 1.1 has anyway. */
  readonly httpVersion: HttpVersion;
  /** The Host field; undefined: the address that is connected to. */
  readonly virtualHost: string | undefined;
  /** The server name that TLS asks for; true: the virtual host; undefined: none. */
  readonly sni: string | true | undefined;
  readonly tlsVerify: boolean;
  /** PEM file of the authorities that count when the certificate is verified; undefined: those of Node. */
  readonly tlsCaFile: string | undefined;
}

export const HTTP_VERSIONS = ['1.0', '1.0C', '1.1'] as const;
export type HttpVersion = (typeof HTTP_VERSIONS)[number];

export interface HttpUrlConfig {
  readonly path: string;
  readonly virtualHost: string | undefined;
  /** Inclusive ranges. */
  readonly status: readonly StatusRange[];
  /** The digest of the body, in lower-case hexadecimal: MD5 with 32 digits, SHA-256 with 64. */
  readonly digest: string | undefined;
  readonly regex: HttpRegexConfig | undefined;
}

export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface HttpRegexConfig {
  readonly pattern: string;
  /** The flags `i`, `m`, `s` and `u` of JavaScript; without `u` pattern and body are bytes. */
  readonly flags: string;
  /** True: a match has to begin in the first line. */
  readonly firstLine: boolean;
  /** True: a match is the failure. */
  readonly mustNotMatch: boolean;
  /** The offset in the body from which a match may begin. */
  readonly minOffset: number;
  readonly maxOffset: number;
}

export interface SmtpProbeConfig {
  readonly type: 'smtp';
  /** The name sent in HELO; undefined: the name of this machine. */
  readonly helo: string | undefined;
}

export interface DnsProbeConfig {
  readonly type: 'dns';
  readonly queryType: DnsQueryType;
  readonly queryName: string;
  /** True if an answer that refuses the question passes: it proves that the server lives. */
  readonly acceptsRefusal: boolean;
}

/** The query types with their numbers on the wire (RFC 1035, 3596, 4034). */
export const DNS_QUERY_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  RRSIG: 46,
  DNSKEY: 48,
} as const;

export type DnsQueryType = keyof typeof DNS_QUERY_TYPES;

export interface UdpProbeConfig {
  readonly type: 'udp';
  /** The bytes to send; undefined: random ones. */
  readonly payload: string | undefined;
  /** The reply that passes. Undefined: silence passes too. `any`: any answer. Otherwise digits, `x` for any digit. */
  readonly reply: string | undefined;
  readonly minReplyLength: number;
  readonly maxReplyLength: number;
}

export interface MiscProbeConfig {
  readonly type: 'misc';
  readonly run: RunConfig;
  /** True: exit statuses from 2 on set the weight. */
  readonly dynamic: boolean;
  /** The user, as in `CommandConfig`. */
  readonly user: string | undefined;
}

export interface FileProbeConfig {
  readonly type: 'file';
  readonly file: string;
  /** The factor of the number in the file, which is then added to the weight. 0: the file says up (0) or down. */
  readonly weight: number;
  readonly reverse: boolean;
}

/** A BFD session with the real; nothing is attempted. Addresses are texts, in the form that culvert writes them. */
export interface BfdProbeConfig {
  readonly type: 'bfd';
  /** The neighbour; undefined: the real's address. */
  readonly neighbor: string | undefined;
  /** The source address; undefined: by the kernel's routing. */
  readonly source: string | undefined;
  readonly minTxMs: number;
  readonly minRxMs: number;
  readonly idleTxMs: number;
  readonly multiplier: number;
  readonly passive: boolean;
  readonly multihop: boolean;
  /** TTL or hop limit of what is sent, and of what the peer is taken to send. */
  readonly ttl: number;
  /** The number of hops that a packet may have lost on its way. */
  readonly maxHops: number;
}
