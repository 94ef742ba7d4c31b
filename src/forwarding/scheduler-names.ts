// The names of all schedulers.
import type { SchedulerName } from './forwarding-table.ts';

/** Every scheduler, the default one first. */
export const SCHEDULER_NAMES: readonly SchedulerName[] = [
  'mh',
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'twos',
];
