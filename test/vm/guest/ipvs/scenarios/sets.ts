import { CONNECTIONS } from './connections.ts';
import { ERRORS_SET } from './errors.ts';
import { HASHING } from './hashing.ts';
import { HEADERS } from './headers.ts';
import { PERSISTENCE_SET } from './persistence.ts';
import type { GoldenSet } from './scenario-input.ts';
import { SCHEDULERS } from './schedulers.ts';
import { THRESHOLDS } from './thresholds.ts';
import { TUNNELS } from './tunnels.ts';

/** By the names of their files in test/golden/ipvs. */
export const SETS: Readonly<Record<string, GoldenSet>> = {
  schedulers: SCHEDULERS,
  hashing: HASHING,
  thresholds: THRESHOLDS,
  persistence: PERSISTENCE_SET,
  connections: CONNECTIONS,
  tunnels: TUNNELS,
  headers: HEADERS,
  errors: ERRORS_SET,
};
