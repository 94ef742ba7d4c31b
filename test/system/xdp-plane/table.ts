import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Service,
} from '../../../src/forwarding/forwarding-table.ts';
import { REAL, VIP } from './packets.ts';

export const DIRECTOR_OBJECT: string = fileURLToPath(
  new URL('../../../build/bpf/director.bpf.o', import.meta.url),
);

/** Whether the plane can run here at all. */
export const able: boolean = process.getuid?.() === 0 && existsSync(DIRECTOR_OBJECT);

export const SERVICE: Service = {
  vip: VIP,
  protocol: 'tcp',
  port: 80,
  scheduler: 'mh',
  hashOn: 'flow',
  tunnel: { type: 'ipip' },
  blackhole: { policy: 'cure', after: 2 },
  reals: [{ address: REAL, weight: 1, serving: true }],
};
export const TABLE: ForwardingTable = {
  hashKey: Uint8Array.from({ length: 16 }, (_, index) => index * 17),
  timeouts: DEFAULT_TIMEOUTS,
  services: [SERVICE, { ...SERVICE, protocol: 'udp', port: 53, scheduler: 'rr' }],
};
