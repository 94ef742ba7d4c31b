// The configuration of the lab's director.
import type { SchedulerName, Tunnel } from '../forwarding/forwarding-table.ts';
import type { IpFamily } from '../net/address/ip-address.ts';

export const LAB_VIP = '192.0.2.10';
export const LAB_VIPS: Readonly<Record<IpFamily, string>> = { 4: LAB_VIP, 6: '2001:db8:10::10' };
export const LAB_PORT = 80;

export interface LabConfig {
  readonly plane: 'xdp' | 'simulated';
  readonly instance: string;
  /** Holds the control socket and the state. */
  readonly directory: string;
  readonly blackhole: 'cure' | 'refuse';
  readonly scheduler: SchedulerName;
  readonly reals: readonly string[];
  /** LAB_VIP unless given. */
  readonly vip?: string;
  /** IPIP unless given. */
  readonly tunnel?: Tunnel;
  /** Further keys of the lab's own service, as YAML: `sorryServer: {address: 10.0.5.2}`. */
  readonly keys?: readonly string[];
  /** Further services of the VIP; the lab's own one is on LAB_PORT. */
  readonly more?: readonly LabService[];
}

export interface LabService {
  readonly port: number;
  readonly scheduler: SchedulerName;
  /** Further keys of the service, as YAML: `persistence: 50s`. */
  readonly keys?: readonly string[];
}

/** The configuration file of the lab's director; checks are quicker than usual, so that the story is short. */
export function labConfig(config: LabConfig): string {
  const { plane, instance, directory, blackhole, scheduler, keys = [], more = [] } = config;
  const services = [{ port: LAB_PORT, scheduler, keys }, ...more];
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
${services.map((service) => serviceText(service, config)).join('')}`;
}

function serviceText({ port, scheduler, keys = [] }: LabService, config: LabConfig): string {
  const { reals, vip = LAB_VIP, tunnel = { type: 'ipip' } } = config;
  // Each value is a number or a word.
  const written = Object.entries(tunnel).map(([key, value]) => `${key}: ${value}`);
  return `  - vip: '${vip}'
    protocol: tcp
    port: ${port}
    scheduler: ${scheduler}
    tunnel: {${written.join(', ')}}
${keys.map((key) => `    ${key}\n`).join('')}    reals:
${reals.map((address) => `      - {address: '${address}', weight: 100}\n`).join('')}`;
}
