import type { LabService } from '../../src/lab/lab-config.ts';

/** Beside the lab's own one, which is `mh`: turns of the fast path, and two whose flows the slow path schedules. */
export const SERVICES: readonly LabService[] = [
  { port: 81, scheduler: 'rr' },
  { port: 82, scheduler: 'wlc' },
  { port: 83, scheduler: 'wrr', keys: ['persistence: 5s'] },
];
