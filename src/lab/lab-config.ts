import type { SchedulerName } from '../forwarding/table.ts';

export const LAB_VIP = '192.0.2.10';
export const LAB_PORT = 80;

export interface LabConfig {
  readonly plane: 'xdp' | 'simulated';
  readonly instance: string;
  /** Holds the control socket and the state. */
  readonly directory: string;
  readonly blackhole: 'cure' | 'refuse';
  readonly scheduler: SchedulerName;
  readonly reals: readonly string[];
}

/** The configuration file of the lab's director; checks are quicker than usual, so that the story is short. */
export function labConfig({ plane, instance, directory, blackhole, scheduler, reals }: LabConfig): string {
  return `director:
  interface: eth0
  plane: ${plane}
  instance: ${instance}
  runDirectory: ${directory}
  stateDirectory: ${directory}
defaults:
  blackhole: ${blackhole}
  check: {type: tcp, interval: 500ms, timeout: 500ms, retries: 1, retryDelay: 200ms, via: tunnel}
services:
  - vip: ${LAB_VIP}
    protocol: tcp
    port: ${LAB_PORT}
    scheduler: ${scheduler}
    tunnel: {type: ipip}
    reals:
${reals.map((address) => `      - {address: ${address}, weight: 100}`).join('\n')}
`;
}
