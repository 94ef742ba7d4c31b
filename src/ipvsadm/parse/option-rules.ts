// The options that each command of ipvsadm takes.
import { AdmFault } from './ipvsadm-fault.ts';

/** The names of commands in ipvsadm's messages. */
export type CommandName =
  | 'add-service'
  | 'edit-service'
  | 'delete-service'
  | 'flush'
  | 'list'
  | 'add-server'
  | 'delete-server'
  | 'edit-server'
  | 'set'
  | 'start-daemon'
  | 'stop-daemon'
  | 'restore'
  | 'save'
  | 'zero';

/** Options as ipvsadm names them in what it says, in the order in which it looks at them. */
export const OPTION_NAMES = [
  'numeric',
  'connection',
  'service-address',
  'scheduler',
  'persistent',
  'netmask',
  'real-server',
  'forwarding-method',
  'weight',
  'u-threshold',
  'l-threshold',
  'mcast-interface',
  'timeout',
  'daemon',
  'stats',
  'rate',
  'thresholds',
  'persistent-conn',
  'nosort',
  'syncid',
  'exact',
  'ops',
  'pe',
  'sched-flags',
  'mcast-group',
  'mcast-port',
  'mcast-ttl',
  'sync-maxlen',
  'tun-info',
  'tun-type',
  'tun-port',
  'tun-nocsum',
  'tun-csum',
  'tun-remcsum',
] as const;

export type OptionName = (typeof OPTION_NAMES)[number];

interface Rules {
  readonly needs?: readonly OptionName[];
  /** Options of which at most one may be given. */
  readonly one?: readonly OptionName[];
  readonly may?: readonly OptionName[];
}

const SERVICE: Rules = {
  needs: ['service-address'],
  may: ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags'],
};
const SERVER: Rules = {
  needs: ['service-address', 'real-server'],
  may: [
    'forwarding-method',
    'weight',
    'u-threshold',
    'l-threshold',
    'tun-type',
    'tun-port',
    'tun-nocsum',
    'tun-csum',
    'tun-remcsum',
  ],
};

const COMMAND_RULES: Readonly<Record<CommandName, Rules>> = {
  'add-service': SERVICE,
  'edit-service': SERVICE,
  'delete-service': { needs: ['service-address'] },
  flush: {},
  list: {
    one: ['connection', 'service-address', 'timeout', 'daemon'],
    may: [
      'numeric',
      'stats',
      'rate',
      'thresholds',
      'persistent-conn',
      'nosort',
      'syncid',
      'exact',
      'tun-info',
    ],
  },
  'add-server': SERVER,
  'delete-server': { needs: ['service-address', 'real-server'] },
  'edit-server': SERVER,
  set: {},
  'start-daemon': {
    may: ['mcast-interface', 'syncid', 'mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen'],
  },
  'stop-daemon': { may: ['syncid'] },
  restore: {},
  save: { may: ['numeric'] },
  zero: { may: ['service-address'] },
};

const CHECKSUMS = ['tun-nocsum', 'tun-csum', 'tun-remcsum'] as const;

const TUNNEL_RULES: Readonly<Record<'ipip' | 'gre' | 'gue', Rules>> = {
  ipip: {},
  gre: { one: ['tun-nocsum', 'tun-csum'] },
  gue: { needs: ['tun-port'], one: CHECKSUMS },
};
const TUNNEL_OPTIONS: readonly OptionName[] = ['tun-port', ...CHECKSUMS];

/** @throws AdmFault for an option too few, too many, or two that exclude each other; the first one counts. */
export function checkOptions(command: CommandName, given: ReadonlySet<OptionName>): void {
  check(OPTION_NAMES, { rules: COMMAND_RULES[command], given, of: `'${command}' command` });
}

/** The same for those of a tunnel's kind. */
export function checkTunnelOptions(type: 'ipip' | 'gre' | 'gue', given: ReadonlySet<OptionName>): void {
  check(TUNNEL_OPTIONS, { rules: TUNNEL_RULES[type], given, of: `'${type}' tunnel type` });
}

interface Checked {
  readonly rules: Rules;
  readonly given: ReadonlySet<OptionName>;
  readonly of: string;
}

function check(options: readonly OptionName[], { rules, given, of }: Checked): void {
  const { needs = [], one = [], may = [] } = rules;
  let first: OptionName | undefined;
  for (const option of options) {
    if (!given.has(option)) {
      if (needs.includes(option))
        throw AdmFault.options(`You need to supply the '${option}' option for the ${of}`);
      continue;
    }
    if (one.includes(option)) {
      if (first !== undefined) {
        throw AdmFault.options(`The option '${option}' conflicts with the '${first}' option in the ${of}`);
      }
      first = option;
    } else if (!needs.includes(option) && !may.includes(option)) {
      throw AdmFault.options(`Illegal '${option}' option with the ${of}`);
    }
  }
}
