import type { BlackholePolicy, Port, SchedulerName, TransportProtocol, Tunnel } from '../forwarding/table.ts';
import type { WrittenCheck } from './written-check.ts';

/** A configuration as it is written: checked, durations in milliseconds, but nothing filled in yet. */
export interface WrittenConfig {
  director: WrittenDirector;
  defaults?: (WrittenServiceOptions & { weight?: number | undefined }) | undefined;
  services: WrittenService[];
}

export interface WrittenDirector {
  interface?: string | undefined;
  plane?: 'xdp' | 'simulated' | undefined;
  instance?: string | undefined;
  hashSeed?: string | undefined;
  timeouts?: WrittenTimeouts | undefined;
  capacity?: { slots?: number | undefined; flows?: number | undefined } | undefined;
  listen?: { address: string; port: Port } | undefined;
  stateDirectory?: string | undefined;
  runDirectory?: string | undefined;
}

export interface WrittenTimeouts {
  tcp?: number | undefined;
  tcpFin?: number | undefined;
  synRecv?: number | undefined;
  udp?: number | undefined;
  close?: number | undefined;
}

/** What may stand at a service and, for all services, in `defaults`. */
export interface WrittenServiceOptions {
  scheduler?: SchedulerName | undefined;
  hashOn?: 'flow' | 'source' | undefined;
  tunnel?: Tunnel['type'] | Tunnel | undefined;
  blackhole?: BlackholePolicy['policy'] | WrittenBlackhole | undefined;
  check?: WrittenCheck | undefined;
}

export interface WrittenBlackhole {
  policy?: BlackholePolicy['policy'] | undefined;
  after?: number | undefined;
}

export interface WrittenService extends WrittenServiceOptions {
  vip: string;
  protocol?: TransportProtocol | undefined;
  port: Port;
  reals: WrittenReal[];
}

export interface WrittenReal {
  address: string;
  weight?: number | undefined;
  check?: WrittenCheck | undefined;
}
