// The environments of the lab: network namespaces, or a simulated network.
import type { WireStatus } from '../contract/api/director-status.ts';
import type { DirectorEvent } from '../contract/api/event.ts';
import type { IpAddress } from '../net/address/ip-address.ts';

/**
 * Client — router — director, and three reals in three other subnets behind the router, MTU 1500 everywhere:
 * network namespaces and real programs, or the simulated network. The scenario is the same over both.
 */
export interface LabEnvironment extends AsyncDisposable {
  readonly vip: IpAddress;
  readonly reals: readonly LabReal[];
  /** Commands that the operator can try, each after what it shows. */
  readonly tryByHand: readonly (readonly [shows: string, command: string])[];

  status(): Promise<WireStatus>;
  events(): Promise<readonly DirectorEvent[]>;
  /** Edits the director's configuration file and reloads it. */
  setBlackhole(policy: 'cure' | 'refuse'): Promise<void>;
  /** Sets the reals up again with this clamp of the MSS; `auto` is what the tunnel leaves. */
  setClamp(mss: number | 'auto' | 'none'): Promise<void>;
  /** Makes the router drop every ICMP error on its way to the client, or stops that. */
  filterIcmp(on: boolean): Promise<void>;
  /** Makes the client forget what it learned of the path's MTU. */
  forgetPathMtu(): Promise<void>;
  stopServer(real: LabReal): Promise<void>;
  startServer(real: LabReal): Promise<void>;
  /** Makes one request after another, each on a connection of its own, until the signal aborts. */
  request(listener: (result: RequestResult) => void, signal: AbortSignal): void;
  upload(bytes: number, timeoutMs: number): Promise<UploadResult>;
  /** Records what passes until it is stopped. */
  capture(): Promise<LabCapture>;
}

export interface LabReal {
  readonly name: string;
  /** The address as it is written in a configuration. */
  readonly address: string;
}

export interface RequestResult {
  /** Milliseconds of the wall clock when the request began. */
  readonly startedAt: number;
  /** The name that the real gave; undefined when the request failed. */
  readonly real: string | undefined;
  readonly error: string | undefined;
}

export interface UploadResult {
  readonly completed: boolean;
  readonly durationMs: number;
}

/** `director` is the director's link: what it receives and what it sends. */
export type CapturePoint = 'client' | 'director' | 'real';

export interface CapturedPacket {
  readonly point: CapturePoint;
  /** The IPv4 packet. On the wire it is 14 bytes longer. */
  readonly packet: Uint8Array;
}

export interface LabCapture {
  stop(): Promise<readonly CapturedPacket[]>;
}
