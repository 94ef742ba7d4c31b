// The options of the lab, and its outcome.
import type { WireStats } from '../contract/api/director-status.ts';
import type { RealServerOptions } from '../realserver/options.ts';
import type { Expectation } from './expectations.ts';
import type { ScenarioResult } from './scenario.ts';
import type { TrafficSummary } from './traffic.ts';

export interface LabOptions {
  /** The time to run; undefined: until the signal. The scenario is always played to its end. */
  readonly forMs: number | undefined;
  /** The outcome as JSON on `stdout`, and nothing else there. */
  readonly json: boolean;
  /** The plane; undefined: xdp where this machine supports it, otherwise simulated, with a line that says why. */
  readonly plane: 'xdp' | 'simulated' | undefined;
  /** The way of decapsulation in network namespaces. Simulated reals have only one. */
  readonly decapsulation: RealServerOptions['decapsulation'];
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/** The output of `culvert lab --json`. */
export interface LabOutcome {
  readonly outcome: 'as expected' | 'not as expected';
  readonly plane: string;
  readonly durationMs: number;
  readonly expectations: readonly Expectation[];
  readonly requests: TrafficSummary;
  readonly scenario: ScenarioResult;
  readonly stats: WireStats;
}
