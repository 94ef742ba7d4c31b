import type { Port } from '../../forwarding/forwarding-table.ts';
import type { CheckType, DnsQueryType, HttpVersion, StatusRange } from './probe-config.ts';

export type WrittenCheck = 'none' | WrittenCheckInList;

export type WrittenCheckInList = CheckType | WrittenCheckOptions;

export interface WrittenCheckOptions {
  type?: CheckType | undefined;
  interval?: number | undefined;
  timeout?: number | undefined;
  retries?: number | undefined;
  retryDelay?: number | undefined;
  warmup?: number | undefined;
  alpha?: boolean | undefined;
  logAllFailures?: boolean | undefined;
  via?: 'tunnel' | 'direct' | undefined;
  port?: Port | undefined;
  address?: string | undefined;
  bind?: WrittenBind | undefined;
  mark?: number | undefined;
  urls?: WrittenUrl[] | undefined;
  rotate?: boolean | undefined;
  fastRecovery?: boolean | undefined;
  httpVersion?: HttpVersion | undefined;
  virtualHost?: string | undefined;
  sni?: string | true | undefined;
  tlsVerify?: boolean | undefined;
  tlsCaFile?: string | undefined;
  helo?: string | undefined;
  queryType?: DnsQueryType | undefined;
  queryName?: string | undefined;
  payload?: string | undefined;
  reply?: string | undefined;
  minReplyLength?: number | undefined;
  maxReplyLength?: number | undefined;
  command?: string[] | undefined;
  shell?: string | undefined;
  user?: string | undefined;
  dynamic?: boolean | undefined;
  file?: string | undefined;
  weight?: number | undefined;
  reverse?: boolean | undefined;
  neighbor?: string | undefined;
  source?: string | undefined;
  minTx?: number | undefined;
  minRx?: number | undefined;
  idleTx?: number | undefined;
  multiplier?: number | undefined;
  passive?: boolean | undefined;
  multihop?: boolean | undefined;
  ttl?: number | undefined;
  maxHops?: number | undefined;
}

export interface WrittenBind {
  address?: string | undefined;
  port?: Port | undefined;
  interface?: string | undefined;
}

export interface WrittenUrl {
  path?: string | undefined;
  virtualHost?: string | undefined;
  status?: StatusRange[] | undefined;
  digest?: string | undefined;
  regex?: string | WrittenRegex | undefined;
}

export interface WrittenRegex {
  pattern: string;
  flags?: string | undefined;
  options?: string[] | undefined;
  mustNotMatch?: boolean | undefined;
  minOffset?: number | undefined;
  maxOffset?: number | undefined;
}
