// Parses a command line as ipvsadm does, with its messages.
import type { Names } from '../print/host-names.ts';
import type { AdmCommand, AdmServer, AdmService, AdmSettings, Listing } from './ipvsadm-command.ts';
import { AdmFault } from './ipvsadm-fault.ts';
import { type CommandName, checkOptions, checkTunnelOptions, type OptionName } from './option-rules.ts';
import { COMMAND_OPTIONS, type CommandOption, PLAIN_OPTIONS } from './option-table.ts';
import { readOptions } from './popt.ts';
import { type Given, readGiven } from './read-given.ts';
import { readFlags } from './scheduler-flags.ts';
import { readTimeout } from './values.ts';

const DEFAULT_SCHEDULER = 'wlc';
const DEFAULT_WEIGHT = 1;

/** Parses the arguments of `ipvsadm` as ipvsadm 1.31 does, and reports the first fault in its words. */
export function parseCommand(argv: readonly string[], names: Names): AdmCommand | AdmFault {
  try {
    return argv.length === 0 ? parse(['-L'], names) : parse(argv, names);
  } catch (error) {
    if (error instanceof AdmFault) return error;
    throw error;
  }
}

function parse(argv: readonly string[], names: Names): AdmCommand {
  const words = readOptions({ ...COMMAND_OPTIONS, ...PLAIN_OPTIONS }, argv);
  const [first, ...rest] = words.filter((word) => word.kind !== 'leftover');
  if (first?.kind !== 'option' || !Object.hasOwn(COMMAND_OPTIONS, first.name)) throw AdmFault.tryHelp();
  const option = first.name as CommandOption;
  if (option === 'help' || option === 'version') return { name: option };
  const name = commandName(option, first.value);
  const given = readGiven(rest, names);
  const leftover = words.flatMap((word) => (word.kind === 'leftover' ? [word.word] : []));
  const timeouts = name === 'set' ? readTimeouts(leftover.splice(0, 3)) : undefined;
  if (leftover[0] !== undefined) throw AdmFault.options(`unexpected argument ${leftover[0]}`);
  const flags = readFlags(given.flags, given.scheduler);
  checkOptions(name, given.options);
  return commandOf(name, given, { flags, timeouts });
}

function commandName(option: Exclude<CommandOption, 'help' | 'version'>, value?: string): CommandName {
  if (option === 'clear') return 'flush';
  if (option !== 'start-daemon' && option !== 'stop-daemon') return option;
  if (value === 'master' || value === 'backup') return option;
  throw AdmFault.options(
    option === 'start-daemon' ? 'illegal start-daemon parameter specified' : 'illegal start_daemon specified',
  );
}

type Timeouts = readonly [number, number, number];

function readTimeouts(words: readonly string[]): Timeouts {
  if (words.length < 3) throw AdmFault.options('--set option requires 3 timeout values');
  return words.map((word) => readTimeout(word, 0)) as unknown as Timeouts;
}

interface More {
  readonly flags: readonly string[];
  readonly timeouts: Timeouts | undefined;
}

function commandOf(name: CommandName, given: Given, { flags, timeouts }: More): AdmCommand {
  switch (name) {
    case 'add-service':
    case 'edit-service':
      return { name, of: needed(given.service), settings: settingsOf(given, flags) };
    case 'add-server':
    case 'edit-server':
      return { name, of: needed(given.service), server: serverOf(given) };
    case 'delete-service':
      return { name, of: needed(given.service) };
    case 'delete-server':
      return { name, of: needed(given.service), server: needed(given.server) };
    case 'zero':
      return { name, of: given.service };
    case 'set':
      return { name, timeouts: needed(timeouts) };
    case 'list':
      return { name, of: given.service, listing: listingOf(given.options) };
    case 'save':
      return { name, numeric: given.options.has('numeric') };
    default:
      return { name };
  }
}

/** `checkOptions` has made sure of it. */
function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('an option that the command needs is missing');
  return value;
}

function settingsOf(given: Given, flags: readonly string[]): AdmSettings {
  const { options, service, persistentSeconds, prefix, scheduler, engine } = given;
  const onePacket = options.has('ops');
  if (service !== undefined && 'port' in service) {
    if (service.port === 0 && persistentSeconds === undefined) {
      throw AdmFault.options('Zero port specified for non-persistent service');
    }
    if (onePacket && service.protocol !== 'udp') {
      throw AdmFault.options('One-Packet Scheduling is only for UDP virtual services');
    }
  }
  const persistence = persistentSeconds === undefined ? undefined : { seconds: persistentSeconds, prefix };
  return {
    scheduler: scheduler === '' ? DEFAULT_SCHEDULER : scheduler,
    flags,
    persistence,
    onePacket,
    engine,
  };
}

function serverOf(given: Given): AdmServer {
  const { service, server, method, options } = given;
  const { address } = needed(server);
  const isTunnel = method === 'ipip';
  if (!isTunnel && address.includes(':') !== isIpv6(needed(service))) {
    throw AdmFault.options('Different address family is allowed only for tunneling servers');
  }
  if (!isTunnel && [...options].some((option) => option.startsWith('tun-'))) {
    throw AdmFault.options('Tunnel options conflict with forward method');
  }
  checkTunnelOptions(given.tunnelType, options);
  return {
    address,
    // Tunnels lead to the port of the service.
    port: portOf(needed(service)) ?? needed(server).port,
    method,
    weight: given.weight ?? DEFAULT_WEIGHT,
    upperThreshold: given.upperThreshold,
    lowerThreshold: given.lowerThreshold,
    tunnel: { type: given.tunnelType, port: given.tunnelPort, checksum: given.checksum },
  };
}

function isIpv6(service: AdmService): boolean {
  return 'mark' in service ? service.ipv6 : service.address.includes(':');
}

function portOf(service: AdmService): number | undefined {
  return 'mark' in service ? undefined : service.port;
}

const TABLES: readonly OptionName[] = ['stats', 'rate', 'thresholds', 'persistent-conn'];

function listingOf(options: ReadonlySet<OptionName>): Listing {
  const what = options.has('connection')
    ? 'connections'
    : options.has('timeout')
      ? 'timeouts'
      : options.has('daemon')
        ? 'daemon'
        : 'table';
  if (what !== 'table' && TABLES.some((table) => options.has(table))) {
    throw AdmFault.options('options conflicts in the list command');
  }
  return {
    what,
    numeric: options.has('numeric'),
    exact: options.has('exact'),
    sorted: !options.has('nosort'),
    stats: options.has('stats'),
    rate: options.has('rate'),
    thresholds: options.has('thresholds'),
    persistentConnections: options.has('persistent-conn'),
    tunnelInfo: options.has('tun-info'),
  };
}
