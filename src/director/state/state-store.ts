// The state of a director that no configuration holds, kept in a file.
import type { ServiceName } from '../../forwarding/forwarding-table.ts';
import type { RealId } from '../world/model.ts';

/** The state of a director that no configuration holds, kept over restarts. */
export interface DirectorState {
  /** 16 bytes; undefined before the first start. */
  readonly hashKey: Uint8Array | undefined;
  /** Weights set by hand. */
  readonly overrides: ReadonlyMap<RealId, number>;
  readonly drained: ReadonlySet<RealId>;
  readonly down: ReadonlyMap<RealId, DownState>;
  /** Services without their quorum. */
  readonly lostQuorums: ReadonlySet<ServiceName>;
}

export interface DownState {
  /** ISO 8601. */
  readonly since: string;
  readonly error: string | undefined;
  /** True: it was only presumed to be down, as no check had ended yet. */
  readonly presumed?: boolean | undefined;
}

export interface StateStore {
  /** Loads what was saved last. `fault` says why it could not be read; then the state is empty. */
  load(): Promise<{ readonly state: DirectorState; readonly fault: string | undefined }>;
  save(state: DirectorState): Promise<void>;
  remove(): Promise<void>;
}

export const EMPTY_STATE: DirectorState = {
  hashKey: undefined,
  overrides: new Map(),
  drained: new Set(),
  down: new Map(),
  lostQuorums: new Set(),
};
