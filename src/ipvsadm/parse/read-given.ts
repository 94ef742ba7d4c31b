// Reads the values of all options of a command line.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import type { Names } from '../print/host-names.ts';
import type { AdmEndpoint, AdmServer, AdmService, AdmTunnel } from './ipvsadm-command.ts';
import { AdmFault } from './ipvsadm-fault.ts';
import { prefixOfMask } from './netmask.ts';
import type { OptionName } from './option-rules.ts';
import { PLAIN_OPTIONS, type PlainOption } from './option-table.ts';
import type { Word } from './popt.ts';
import { readEndpoint, readIpv4, readTimeout, wholeNumber } from './values.ts';

/** The values of all options of a command line, whether or not the command supports them. */
export interface Given {
  readonly options: ReadonlySet<OptionName>;
  readonly service: AdmService | undefined;
  readonly server: AdmEndpoint | undefined;
  /** Empty where none is given. */
  readonly scheduler: string;
  readonly flags: string;
  readonly persistentSeconds: number | undefined;
  /** The prefix length; undefined for an IPv4 mask whose ones do not come first. */
  readonly prefix: number | undefined;
  readonly engine: string | undefined;
  readonly method: AdmServer['method'];
  readonly weight: number | undefined;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly tunnelType: AdmTunnel['type'];
  readonly tunnelPort: number;
  readonly checksum: AdmTunnel['checksum'];
}

type Building = { -readonly [Key in keyof Given]: Given[Key] };

/** Reads the options in their order, as what one means can depend on those before it. @throws AdmFault */
export function readGiven(words: readonly Word[], names: Names): Given {
  const options = new Set<OptionName>();
  const given: Building = { ...NOTHING, options };
  for (const word of words) {
    if (word.kind === 'leftover') continue;
    if (word.kind === 'fault') throw AdmFault.popt(`${word.word}: ${word.fault}`);
    if (!Object.hasOwn(PLAIN_OPTIONS, word.name)) throw AdmFault.options(`invalid option \`${word.word}'`);
    const option = READERS[word.name as PlainOption];
    const { name } = option;
    if (name !== undefined && options.has(name))
      throw AdmFault.options(`multiple '${name}' options specified`);
    if (name !== undefined) options.add(name);
    option.read?.(given, word.value ?? option.absent ?? '', names);
  }
  return given;
}

const HOST_PREFIX = { 4: 32, 6: 128 } as const;
const MAX_INT = 2 ** 31 - 1;

const NOTHING: Given = {
  options: new Set(),
  service: undefined,
  server: undefined,
  scheduler: '',
  flags: '',
  persistentSeconds: undefined,
  prefix: HOST_PREFIX[4],
  engine: undefined,
  method: undefined,
  weight: undefined,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnelType: 'ipip',
  tunnelPort: 0,
  checksum: 'none',
};

interface Reader {
  /** The name under which the option is counted; several can share one. */
  readonly name?: OptionName;
  /** Its value where it may stand without one. */
  readonly absent?: string;
  readonly read?: (given: Building, value: string, names: Names) => void;
}

const READERS: Readonly<Record<PlainOption, Reader>> = {
  'tcp-service': serviceReader('tcp'),
  'udp-service': serviceReader('udp'),
  'sctp-service': serviceReader('sctp'),
  'fwmark-service': { name: 'service-address', read: readMark },
  ipv6: { read: readIpv6 },
  scheduler: { name: 'scheduler', read: setter('scheduler', (text) => text) },
  'sched-flags': { name: 'sched-flags', read: setter('flags', (text) => text) },
  // The manual has 300.
  persistent: { name: 'persistent', absent: '360', read: setter('persistentSeconds', readPersistence) },
  netmask: { name: 'netmask', read: readNetmask },
  ops: { name: 'ops' },
  pe: { name: 'pe', read: setter('engine', (text) => text) },
  'real-server': { name: 'real-server', read: readServer },
  gatewaying: methodReader('gatewaying'),
  ipip: methodReader('ipip'),
  masquerading: methodReader('masquerading'),
  weight: { name: 'weight', read: setter('weight', numberReader([0, MAX_INT], 'weight')) },
  'u-threshold': {
    name: 'u-threshold',
    read: setter('upperThreshold', numberReader([0, MAX_INT], 'u_threshold')),
  },
  'l-threshold': {
    name: 'l-threshold',
    read: setter('lowerThreshold', numberReader([0, MAX_INT], 'l_threshold')),
  },
  'tun-type': { name: 'tun-type', read: setter('tunnelType', readTunnelType) },
  'tun-port': { name: 'tun-port', read: setter('tunnelPort', numberReader([1, 65_535], 'tunnel port')) },
  'tun-nocsum': checksumReader('tun-nocsum', 'none'),
  'tun-csum': checksumReader('tun-csum', 'full'),
  'tun-remcsum': checksumReader('tun-remcsum', 'remote'),
  numeric: { name: 'numeric' },
  connection: { name: 'connection' },
  timeout: { name: 'timeout' },
  daemon: { name: 'daemon' },
  stats: { name: 'stats' },
  rate: { name: 'rate' },
  thresholds: { name: 'thresholds' },
  'persistent-conn': { name: 'persistent-conn' },
  'tun-info': { name: 'tun-info' },
  nosort: { name: 'nosort' },
  // It sorts anyway.
  sort: {},
  exact: { name: 'exact' },
  'mcast-interface': { name: 'mcast-interface' },
  'mcast-group': { name: 'mcast-group' },
  syncid: { name: 'syncid', read: checker([0, 255], 'syncid') },
  'sync-maxlen': { name: 'sync-maxlen', read: checker([1, 65_535], 'sync-maxlen') },
  'mcast-port': { name: 'mcast-port', read: checker([1, 65_535], 'mcast-port') },
  'mcast-ttl': { name: 'mcast-ttl', read: checker([1, 255], 'mcast-ttl') },
};

type Bounds = readonly [number, number];

function setter<Key extends keyof Building>(
  key: Key,
  read: (text: string) => Building[Key],
): NonNullable<Reader['read']> {
  return (given, value) => {
    given[key] = read(value);
  };
}

function numberReader([least, most]: Bounds, what: string): (text: string) => number {
  return (text) => {
    const value = wholeNumber(text, least, most);
    if (value === undefined) throw AdmFault.options(`illegal ${what} specified`);
    return value;
  };
}

/** Returns a reader that checks values of the sync daemon's options, which culvert does not support. */
function checker(bounds: Bounds, what: string): NonNullable<Reader['read']> {
  const read = numberReader(bounds, what);
  return (_given, value) => {
    read(value);
  };
}

function serviceReader(protocol: TransportProtocol): Reader {
  return {
    name: 'service-address',
    read: (given, value, names) => {
      const endpoint = readEndpoint(value, protocol, names);
      if (endpoint === undefined) throw AdmFault.options('illegal virtual server address[:port] specified');
      const { address, port } = endpoint;
      given.service = { protocol, address, port };
      if (address.includes(':')) given.prefix = HOST_PREFIX[6];
    },
  };
}

function methodReader(method: NonNullable<AdmServer['method']>): Reader {
  return { name: 'forwarding-method', read: setter('method', () => method) };
}

function checksumReader(name: OptionName, checksum: AdmTunnel['checksum']): Reader {
  return { name, read: setter('checksum', () => checksum) };
}

function readMark(given: Building, value: string): void {
  const mark = wholeNumber(value, 1, 2 ** 32 - 1);
  if (mark === undefined) throw AdmFault.options(`invalid fwmark value \`${value}' specified`);
  given.service = { mark, ipv6: false };
}

function readIpv6(given: Building): void {
  if (given.service === undefined || !('mark' in given.service)) {
    throw AdmFault.options('-6 used before -f\n');
  }
  given.service = { ...given.service, ipv6: true };
  given.prefix = HOST_PREFIX[6];
}

/** An IPv6 one is as many bits as its digits say, whatever is behind them. */
function readNetmask(given: Building, value: string): void {
  if (given.prefix === HOST_PREFIX[6]) {
    const prefix = Number.parseInt(value, 10);
    if (!(prefix >= 1 && prefix <= 128)) throw AdmFault.options('illegal ipv6 netmask specified');
    given.prefix = prefix;
    return;
  }
  const mask = readIpv4(value);
  if (mask === undefined) throw AdmFault.options('illegal virtual server persistent mask specified');
  given.prefix = prefixOfMask(mask);
}

/** A real without a port has that of the service, if the service was named before. */
function readServer(given: Building, value: string, names: Names): void {
  const { service } = given;
  const of = service !== undefined && 'port' in service ? service : undefined;
  const endpoint = readEndpoint(value, of?.protocol ?? 'tcp', names);
  if (endpoint === undefined) throw AdmFault.options('illegal real server address[:port] specified');
  const { address, port, hasPort } = endpoint;
  given.server = { address, port: hasPort ? port : (of?.port ?? 0) };
}

function readPersistence(text: string): number {
  return readTimeout(text, 1);
}

function readTunnelType(text: string): AdmTunnel['type'] {
  if (text === 'ipip' || text === 'gre' || text === 'gue') return text;
  throw AdmFault.options('illegal tunnel type specified');
}
