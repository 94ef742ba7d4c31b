import type { LabService } from '../../src/lab/lab-config.ts';

/** Beside the lab's own one, which is `mh`: remembered from the start. */
export const SERVICES: readonly LabService[] = [{ port: 81, scheduler: 'rr' }];
