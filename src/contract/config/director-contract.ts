// The contract of the director: the settings of the whole process and its data plane.
import type { z } from 'zod';
import {
  DEFAULT_SCTP_TIMEOUTS,
  DEFAULT_TIME_WAIT_MS,
  DEFAULT_TIMEOUTS,
  type FlowTimeouts,
} from '../../forwarding/forwarding-table.ts';
import { DEFAULT_CAPACITY } from '../../forwarding/image/tables/memory.ts';
import { type Defaulted, defaultOf, type Filled, option, optional } from '../option.ts';
import { formatDuration } from '../values/duration.ts';
import {
  byteSize,
  claim,
  interfaceName,
  list,
  mapping,
  oneOf,
  path,
  pattern,
  timeout,
  wholeNumber,
  yesOrNo,
} from '../values/fields.ts';
import type { ListenConfig } from './listen-config.ts';
import { listenSchema } from './listen-schema.ts';
import { type SyncConfig, syncSchema } from './sync-contract.ts';

const { init1Ms, initMs, cookieEchoedMs, establishedMs, shutdownMs, closedMs } = DEFAULT_SCTP_TIMEOUTS;

/** The idle times of SCTP flows, by what the client has sent. */
export const sctpTimeoutsShape = {
  init1: idleTime(init1Ms, 'the client has sent its first INIT'),
  init: idleTime(initMs, 'the client has sent INIT again'),
  cookieEchoed: idleTime(cookieEchoedMs, 'the client has sent COOKIE ECHO'),
  established: idleTime(establishedMs, 'established'),
  shutdown: idleTime(shutdownMs, 'the client has sent SHUTDOWN'),
  closed: idleTime(closedMs, 'the client has sent ABORT or SHUTDOWN COMPLETE'),
};

export const timeoutsShape = {
  tcp: idleTime(DEFAULT_TIMEOUTS.establishedMs, 'established'),
  tcpFin: idleTime(DEFAULT_TIMEOUTS.finWaitMs, 'the client has sent FIN'),
  synRecv: idleTime(DEFAULT_TIMEOUTS.synRecvMs, 'the client has sent SYN only'),
  timeWait: idleTime(DEFAULT_TIME_WAIT_MS, 'in TIME_WAIT'),
  close: idleTime(DEFAULT_TIMEOUTS.closeMs, 'the client has sent RST'),
  udp: idleTime(DEFAULT_TIMEOUTS.udpMs, 'UDP'),
  sctp: optional(mapping(sctpTimeoutsShape), {
    defaultText: `\`{${Object.entries(sctpTimeoutsShape)
      .map(([name, schema]) => `${name}: ${formatDuration(defaultOf(schema))}`)
      .join(', ')}}\``,
    description: 'SCTP, by what the client has sent',
  }),
};

function idleTime(defaultMs: number, state: string): Defaulted<typeof timeout> {
  return option(timeout, {
    default: defaultMs,
    defaultText: `\`${formatDuration(defaultMs)}\``,
    description: state,
  });
}

export const capacityShape = {
  slots: option(wholeNumber(16, 2 ** 28).multipleOf(16, 'a multiple of 16'), {
    default: DEFAULT_CAPACITY.slots,
    description: 'ring slots of all services together, a multiple of 16',
  }),
  flows: option(
    wholeNumber(4, 2 ** 28).refine((count) => (count & (count - 1)) === 0, 'a power of two'),
    {
      default: DEFAULT_CAPACITY.flows,
      description: 'places for remembered flows, a power of two, at least 4; each takes 32 bytes',
    },
  ),
};

const MIB = 2 ** 20;

export const directorShape = {
  interface: optional(interfaceName, {
    defaultText: 'required, unless the plane is `simulated`',
    description: 'the Ethernet interface on which VIP traffic arrives',
  }),
  interfaces: optional(
    list(interfaceName, 'a list of network interfaces').min(1, 'a list with at least one network interface'),
    {
      defaultText: 'none',
      description: 'a list, instead of `interface`, if there are several; the first one names the instance',
    },
  ),
  plane: option(oneOf(['xdp', 'simulated']), {
    default: 'xdp',
    description: '`xdp`; `simulated`: in one process, without privileges or packets',
  }),
  instance: optional(
    pattern(
      /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/,
      'a name of up to 32 letters, digits, dots, dashes and underscores',
    ),
    {
      defaultText: "the interface's name",
      description:
        'names the pins, control socket and state of this director: up to 32 letters, digits, dots, dashes, underscores',
    },
  ),
  hashSeed: optional(pattern(/^[0-9a-fA-F]{32}$/, '32 hexadecimal digits in quotes'), {
    defaultText: 'made at the first start and kept',
    description: '32 hexadecimal digits, in quotes; see below',
  }),
  timeouts: optional(mapping(timeoutsShape), {
    defaultText: 'see below',
    description: 'idle times after which a flow is forgotten, each 1s to 31 days (744h)',
  }),
  expireNodestConn: option(yesOrNo, {
    default: true,
    description: 'what happens to the flows of a deleted real; see below',
  }),
  expireQuiescentTemplate: option(yesOrNo, {
    default: false,
    description: 'whether new connections leave a real with weight 0 in spite of `persistence`; see below',
  }),
  sloppyTcp: option(yesOrNo, {
    default: false,
    description: 'whether a TCP packet that is no SYN opens a flow; see below',
  }),
  claim: option(claim, {
    default: 'always',
    description:
      'who answers ARP and neighbour discovery for the VIPs: `always`, `host` or `never`; see [below](#claim)',
  }),
  capacity: optional(mapping(capacityShape), {
    defaultText: 'see below',
    description: 'sizes of the forwarding tables',
  }),
  sync: optional(syncSchema, {
    defaultText: 'none',
    description: 'sends flows to other directors, and learns theirs; see [below](#directorsync)',
  }),
  listen: optional(listenSchema, {
    defaultText: 'only the Unix socket',
    description: 'serves the API over TCP as well; see [below](#directorlisten-and-directormetricslisten)',
  }),
  metricsListen: optional(listenSchema, {
    defaultText: 'none',
    description: 'serves `/metrics` over TCP and nothing else; same form as `listen`',
  }),
  stateDirectory: option(path, {
    default: '/var/lib/culvert',
    description:
      'an absolute path; keeps `<instance>.json`: runtime weights, drains, failed reals, lost quorums, the hash key',
  }),
  journalSize: option(byteSize(MIB, 1024 * MIB), {
    default: 64 * MIB,
    defaultText: '`64MiB`',
    description:
      'the space for the journal in `stateDirectory`, from which `culvert explain --at` answers; 0: no journal',
  }),
  runDirectory: option(path, {
    default: '/run/culvert',
    description: 'an absolute path; holds the control socket',
  }),
};

export const directorSchema = mapping(directorShape);

export type WrittenDirector = z.output<typeof directorSchema>;
/** The director with every default filled in. */
export interface DirectorConfig extends Filled<typeof directorShape> {
  /** The first of `interfaces`. */
  readonly interface: string;
  /** The interfaces on which VIP traffic arrives; none for the simulated plane. */
  readonly interfaces: readonly string[];
  /** Names the pins, the control socket and the state file of this director; the interface's name by default. */
  readonly instance: string;
  /** 32 hex digits; undefined: made at the first start and kept in the state. */
  readonly hashSeed: string | undefined;
  readonly timeouts: FlowTimeouts;
  readonly capacity: Filled<typeof capacityShape>;
  /** Sends flows to other directors, and learns theirs. */
  readonly sync: SyncConfig | undefined;
  /** Serves the API over TCP, beside the Unix socket. */
  readonly listen: ListenConfig | undefined;
  /** Serves `/metrics` over TCP and nothing else. */
  readonly metricsListen: ListenConfig | undefined;
}
