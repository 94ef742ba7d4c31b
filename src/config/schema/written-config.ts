import type {
  BlackholePolicy,
  Claim,
  Port,
  SchedulerFlag,
  SchedulerName,
  TransportProtocol,
  Tunnel,
} from '../../forwarding/forwarding-table.ts';
import type { WrittenListen } from './listen-schema.ts';
import type { WrittenPorts } from './ports.ts';
import type { WrittenCheck, WrittenCheckInList } from './written-check.ts';
import type { WrittenCommand } from './written-command.ts';

/** A configuration as it is written: checked, durations in milliseconds, but nothing filled in yet. */
export interface WrittenConfig {
  director: WrittenDirector;
  defaults?: WrittenDefaults | undefined;
  services: WrittenService[];
}

export interface WrittenDirector {
  interface?: string | undefined;
  interfaces?: string[] | undefined;
  plane?: 'xdp' | 'simulated' | undefined;
  instance?: string | undefined;
  hashSeed?: string | undefined;
  timeouts?: WrittenTimeouts | undefined;
  expireNodestConn?: boolean | undefined;
  expireQuiescentTemplate?: boolean | undefined;
  sloppyTcp?: boolean | undefined;
  claim?: Claim | undefined;
  capacity?: { slots?: number | undefined; flows?: number | undefined } | undefined;
  listen?: WrittenListen | undefined;
  metricsListen?: WrittenListen | undefined;
  stateDirectory?: string | undefined;
  runDirectory?: string | undefined;
}

export interface WrittenTimeouts {
  tcp?: number | undefined;
  tcpFin?: number | undefined;
  synRecv?: number | undefined;
  timeWait?: number | undefined;
  udp?: number | undefined;
  close?: number | undefined;
  sctp?: WrittenSctpTimeouts | undefined;
}

export interface WrittenSctpTimeouts {
  init1?: number | undefined;
  init?: number | undefined;
  cookieEchoed?: number | undefined;
  established?: number | undefined;
  shutdown?: number | undefined;
  closed?: number | undefined;
}

/** Keys of a service and, for all services, of `defaults`. */
export interface WrittenServiceOptions {
  scheduler?: SchedulerName | undefined;
  schedulerFlags?: SchedulerFlag[] | undefined;
  hashOn?: 'flow' | 'source' | undefined;
  tunnel?: WrittenTunnel | undefined;
  blackhole?: BlackholePolicy['policy'] | WrittenBlackhole | undefined;
  check?: WrittenCheck | undefined;
  /** Instead of `check`. */
  checks?: WrittenCheckInList[] | undefined;
  inhibitOnFailure?: boolean | undefined;
  onUp?: WrittenCommand | undefined;
  onDown?: WrittenCommand | undefined;
  onQuorumUp?: WrittenCommand | undefined;
  onQuorumDown?: WrittenCommand | undefined;
  omega?: boolean | undefined;
}

export interface WrittenDefaults extends WrittenServiceOptions {
  weight?: number | undefined;
}

export type WrittenTunnel =
  | 'ipip'
  | 'gre'
  | {
      type: Tunnel['type'];
      checksum?: 'none' | 'full' | 'remote' | undefined;
      port?: Port | undefined;
    };

export interface WrittenBlackhole {
  policy?: BlackholePolicy['policy'] | undefined;
  after?: number | undefined;
}

export interface WrittenService extends WrittenServiceOptions {
  vip: string;
  protocol?: TransportProtocol | undefined;
  port: WrittenPorts;
  claim?: Claim | undefined;
  onePacket?: boolean | undefined;
  persistence?: number | { timeout: number; prefix?: number | undefined } | undefined;
  quorum?: number | undefined;
  hysteresis?: number | undefined;
  sorryServer?: WrittenSorryServer | undefined;
  reals: WrittenReal[];
}

export interface WrittenSorryServer {
  address: string;
  weight?: number | undefined;
  tunnel?: WrittenTunnel | undefined;
  inhibit?: boolean | undefined;
}

export interface WrittenReal {
  address: string;
  weight?: number | undefined;
  upperThreshold?: number | undefined;
  lowerThreshold?: number | undefined;
  tunnel?: WrittenTunnel | undefined;
  check?: WrittenCheck | undefined;
  checks?: WrittenCheckInList[] | undefined;
  inhibitOnFailure?: boolean | undefined;
  onUp?: WrittenCommand | undefined;
  onDown?: WrittenCommand | undefined;
}
