// A validated configuration with every default filled in.
import type { DirectorConfig } from './director-contract.ts';
import type { ServiceConfig } from './service-contract.ts';

export interface CulvertConfig {
  readonly director: DirectorConfig;
  readonly services: readonly ServiceConfig[];
}
