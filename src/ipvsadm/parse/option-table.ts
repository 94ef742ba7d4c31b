// The options of ipvsadm 1.31.
import type { OptionSpec } from './popt.ts';

export type CommandOption =
  | 'add-service'
  | 'edit-service'
  | 'delete-service'
  | 'clear'
  | 'list'
  | 'add-server'
  | 'edit-server'
  | 'delete-server'
  | 'zero'
  | 'set'
  | 'restore'
  | 'save'
  | 'start-daemon'
  | 'stop-daemon'
  | 'help'
  | 'version';

export type PlainOption =
  | 'tcp-service'
  | 'udp-service'
  | 'sctp-service'
  | 'fwmark-service'
  | 'scheduler'
  | 'persistent'
  | 'netmask'
  | 'real-server'
  | 'masquerading'
  | 'ipip'
  | 'gatewaying'
  | 'weight'
  | 'u-threshold'
  | 'l-threshold'
  | 'numeric'
  | 'connection'
  | 'mcast-interface'
  | 'syncid'
  | 'timeout'
  | 'daemon'
  | 'stats'
  | 'rate'
  | 'thresholds'
  | 'persistent-conn'
  | 'nosort'
  | 'sort'
  | 'exact'
  | 'ipv6'
  | 'ops'
  | 'pe'
  | 'sched-flags'
  | 'sync-maxlen'
  | 'mcast-group'
  | 'mcast-port'
  | 'mcast-ttl'
  | 'tun-info'
  | 'tun-type'
  | 'tun-port'
  | 'tun-nocsum'
  | 'tun-csum'
  | 'tun-remcsum';

const nothing = (letters = ''): OptionSpec => ({ letters, takes: 'nothing' });
const value = (letters = ''): OptionSpec => ({ letters, takes: 'value' });

/** The options of ipvsadm 1.31 that are commands; one of them comes first. */
export const COMMAND_OPTIONS: Readonly<Record<CommandOption, OptionSpec>> = {
  'add-service': nothing('A'),
  'edit-service': nothing('E'),
  'delete-service': nothing('D'),
  clear: nothing('C'),
  list: nothing('Ll'),
  'add-server': nothing('a'),
  'edit-server': nothing('e'),
  'delete-server': nothing('d'),
  zero: nothing('Z'),
  set: nothing(),
  restore: nothing('R'),
  save: nothing('S'),
  'start-daemon': value(),
  'stop-daemon': value(),
  help: nothing('h'),
  version: nothing('v'),
};

/** All others. */
export const PLAIN_OPTIONS: Readonly<Record<PlainOption, OptionSpec>> = {
  'tcp-service': value('t'),
  'udp-service': value('u'),
  'sctp-service': value(),
  'fwmark-service': value('f'),
  scheduler: value('s'),
  persistent: { letters: 'p', takes: 'value-or-nothing' },
  netmask: value('M'),
  'real-server': value('r'),
  masquerading: nothing('m'),
  ipip: nothing('i'),
  gatewaying: nothing('g'),
  weight: value('w'),
  'u-threshold': value('x'),
  'l-threshold': value('y'),
  numeric: nothing('n'),
  connection: nothing('c'),
  'mcast-interface': value(),
  syncid: value(),
  timeout: nothing(),
  daemon: nothing(),
  stats: nothing(),
  rate: nothing(),
  thresholds: nothing(),
  'persistent-conn': nothing(),
  nosort: nothing(),
  sort: nothing(),
  exact: nothing('X'),
  ipv6: nothing('6'),
  ops: nothing('o'),
  pe: value(),
  'sched-flags': value('b'),
  'sync-maxlen': value(),
  'mcast-group': value(),
  'mcast-port': value(),
  'mcast-ttl': value(),
  'tun-info': nothing(),
  'tun-type': value(),
  'tun-port': value(),
  'tun-nocsum': nothing(),
  'tun-csum': nothing(),
  'tun-remcsum': nothing(),
};
