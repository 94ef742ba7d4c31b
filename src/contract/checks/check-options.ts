// The options that each type of check accepts.
import type { CheckType } from './probe-config.ts';

export const CHECK_TYPES = [
  'tcp',
  'http',
  'https',
  'smtp',
  'dns',
  'udp',
  'ping',
  'misc',
  'file',
  'bfd',
] as const;

/** A BFD session is not attempted now and then. */
const ATTEMPTED: readonly CheckType[] = CHECK_TYPES.filter((type) => type !== 'bfd');
const HTTP: readonly CheckType[] = ['http', 'https'];
const CONNECTING: readonly CheckType[] = ['tcp', 'http', 'https', 'smtp', 'dns', 'udp', 'ping'];

/** Options of a connection as routing has it, which the tunnel has no use for. */
export const DIRECT_OPTIONS = ['address', 'bind', 'mark'] as const;

/** The types of checks that accept each option, for options that not all types accept. */
export const TYPES_OF_OPTION: Readonly<Record<string, readonly CheckType[]>> = {
  address: CONNECTING,
  bind: CONNECTING,
  mark: CONNECTING,
  urls: HTTP,
  rotate: HTTP,
  fastRecovery: HTTP,
  httpVersion: HTTP,
  virtualHost: HTTP,
  sni: ['https'],
  tlsVerify: ['https'],
  tlsCaFile: ['https'],
  helo: ['smtp'],
  queryType: ['dns'],
  queryName: ['dns'],
  payload: ['udp'],
  reply: ['udp'],
  minReplyLength: ['udp'],
  maxReplyLength: ['udp'],
  command: ['misc'],
  shell: ['misc'],
  user: ['misc'],
  dynamic: ['misc'],
  file: ['file'],
  weight: ['file'],
  reverse: ['file'],
  neighbor: ['bfd'],
  source: ['bfd'],
  minTx: ['bfd'],
  minRx: ['bfd'],
  idleTx: ['bfd'],
  multiplier: ['bfd'],
  passive: ['bfd'],
  multihop: ['bfd'],
  ttl: ['bfd'],
  maxHops: ['bfd'],
  interval: ATTEMPTED,
  timeout: ATTEMPTED,
  retries: ATTEMPTED,
  retryDelay: ATTEMPTED,
  warmup: ATTEMPTED,
  via: ATTEMPTED,
  port: ATTEMPTED,
  logAllFailures: ATTEMPTED,
};

/** Types of checks for which the simulated network has no server. */
export const NOT_SIMULATED: readonly CheckType[] = ['https', 'smtp', 'dns', 'bfd'];
