import { HOST_INTERFACE, LAB_VIP } from './topology.ts';

export interface LabConfig {
  readonly instance: string;
  readonly directory: string;
  readonly blackhole: 'cure' | 'refuse';
  readonly reals: readonly string[];
}

/** The configuration file of the lab's director; checks are quicker than usual, so that the story is short. */
export function labConfig({ instance, directory, blackhole, reals }: LabConfig): string {
  return `director:
  interface: ${HOST_INTERFACE}
  instance: ${instance}
  runDirectory: ${directory}
  stateDirectory: ${directory}
defaults:
  blackhole: ${blackhole}
  check: {type: tcp, interval: 500ms, timeout: 500ms, retries: 1, retryDelay: 200ms, via: tunnel}
services:
  - vip: ${LAB_VIP}
    protocol: tcp
    port: 80
    scheduler: mh
    tunnel: {type: ipip}
    reals:
${reals.map((address) => `      - {address: ${address}, weight: 100}`).join('\n')}
`;
}
