// A health check with every default filled in.
import type { Port } from '../../forwarding/forwarding-table.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { CheckSource } from './check-source.ts';
import type { ProbeConfig } from './probe-config.ts';

export interface CheckConfig {
  /** The action of an attempt, and when it passes. */
  readonly probe: ProbeConfig;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Further attempts after a failed one before the real is out (keepalived's `retry`). */
  readonly retries: number;
  readonly retryDelayMs: number;
  /** First attempts are spread over so much time; undefined: over the interval. */
  readonly warmupMs: number | undefined;
  /** True: a real that is not known is down until an attempt has passed. */
  readonly alpha: boolean;
  /** True: every failed attempt is an event, not only the one that takes a real down. */
  readonly logAllFailures: boolean;
  readonly via: 'tunnel' | 'direct';
  /** The service's port unless given. */
  readonly port: Port | undefined;
  /** Target instead of the real itself; with `via` direct. */
  readonly address: IpAddress | undefined;
  /** The source of a direct connection; undefined: by the kernel's routing. */
  readonly from: CheckSource | undefined;
}
