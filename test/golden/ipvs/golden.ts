import { readFileSync } from 'node:fs';

/** What kernel IPVS did, as test/vm records it; README.md beside this file says how to read it. */
export interface Golden {
  readonly description: string;
  readonly scenarios: readonly Scenario[];
}

/** A fresh director with one service, and what is done to it in turn. */
export interface Scenario {
  readonly name: string;
  /** Where it was seen: series of Linux, such as `6.12`. */
  readonly kernels: readonly string[];
  readonly service: GoldenService;
  /** In the order in which they were added. */
  readonly reals: readonly GoldenReal[];
  /** Under net/ipv4/vs, where they are not the kernel's defaults. */
  readonly sysctls?: Readonly<Record<string, number>> | undefined;
  /** `ipvsadm --set`, in seconds: TCP established, TCP FIN_WAIT, UDP. */
  readonly timeouts?: readonly [number, number, number] | undefined;
  readonly flows?: Flows;
  readonly observe: readonly Observation[];
  /** The kernel throws dice: only that a real which may be chosen was chosen means something. */
  readonly random?: boolean;
  readonly steps: readonly Step[];
}

export type Observation = 'counts' | 'connections' | 'bytes';

export interface GoldenService {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly vip: string;
  /** 0: every port of the address (persistent services only). */
  readonly port: number;
  /** The service is this firewall mark; `vip` and `port` are what is marked: 0 for every port. */
  readonly mark?: number;
  readonly scheduler: string;
  /** `sh-port`, `sh-fallback`, `mh-port`, `mh-fallback`. */
  readonly flags?: readonly string[];
  readonly persistence?: { readonly timeoutSeconds: number; readonly netmask?: string };
  readonly onePacket?: boolean;
}

export interface GoldenReal {
  /** One letter. */
  readonly name: string;
  readonly address: string;
  readonly weight: number;
  /** Connections; 0 or none: no limit. */
  readonly upper?: number;
  readonly lower?: number;
  readonly tunnel?: GoldenTunnel;
}

export interface GoldenTunnel {
  readonly type: 'ipip' | 'gre' | 'gue';
  readonly port?: number;
  readonly checksum?: 'nocsum' | 'csum' | 'remcsum';
}

/** Flow n: client + ⌊n / perClient⌋·clientStep, port + n·portStep, service address + n mod vipCount. IPv4. */
export interface Flows {
  readonly client: string;
  readonly clientStep?: number;
  readonly perClient?: number;
  readonly port: number;
  readonly portStep?: number;
  readonly vipCount?: number;
}

export type Step = Action & Outcome;

export type Action =
  /** A packet of each flow: TCP flags such as `FIN|ACK`, `UDP`, or a chunk of SCTP; `port` where it is not the service's. */
  | { readonly send: string; readonly flows: string; readonly port?: number }
  /** IP packets, by `toHex`. */
  | { readonly packets: readonly string[] }
  | { readonly change: Change }
  | { readonly sysctls: Readonly<Record<string, number>> }
  | { readonly waitMs: number };

/** `ipvsadm -e`, `-d` and `-a`. */
export type Change =
  | { readonly edit: GoldenReal }
  | { readonly remove: string }
  | { readonly add: GoldenReal };

export interface Outcome {
  /**
   * A letter for each packet, in the order of sending: the real that it went to (its name), `r` a TCP reset, `u` an
   * ICMP destination unreachable, `i` another ICMP error, `.` nothing.
   */
  readonly to?: string;
  /** Each real's active and inactive connections afterwards. */
  readonly counts?: Readonly<Record<string, readonly [number, number]>>;
  /**
   * All connections afterwards, in order: protocol, client, service, real's name, state, seconds to live (rounded up;
   * one less where the recording was slow).
   */
  readonly connections?: readonly string[];
  /**
   * The packets that left, in order, by `toHex`. What is left to chance is not as it was: an IPv4 ID from a counter and
   * the ID of IPv6 fragments are 1, the source port of GUE is 0 and its checksum right for that.
   */
  readonly left?: readonly string[];
}

/** What a connection of one real, A, becomes by the packets of its client. */
export interface StateGolden {
  readonly description: string;
  readonly tables: readonly StateTable[];
}

export interface StateTable extends Pick<Scenario, 'name' | 'kernels' | 'service' | 'sysctls' | 'timeouts'> {
  /** Those that the sequences are made of, as in a step's `send`. */
  readonly packets: readonly string[];
  /**
   * By each sequence of up to three packets, `SYN, ACK`: what came of its last one, `A ESTABLISHED 900` (see
   * `Outcome.to`, then state and seconds to live), or `r none` where there is no connection. What comes
   * after that is not listed: the next packet is a first one.
   */
  readonly after: Readonly<Record<string, string>>;
}

/** One of the files beside this one: `readGolden('schedulers')`. */
export function readGolden(name: string): Golden {
  return readJson(name) as Golden;
}

/** states.json */
export function readStates(): StateGolden {
  return readJson('states') as StateGolden;
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));
}

/** `0-3,7` as [0, 1, 2, 3, 7]. */
export function flowNumbers(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
