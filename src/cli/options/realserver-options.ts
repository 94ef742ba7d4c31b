// The options of the realserver commands.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CulvertError } from '../../errors.ts';
import type { Tunnel } from '../../forwarding/forwarding-table.ts';
import { type IpAddress, parseIp } from '../../net/address/ip-address.ts';
import { type InstanceOptions, type Served, serving, type TunnelType } from '../../realserver/options.ts';
import { numberArgument } from './arguments.ts';

type Addresses = readonly IpAddress[];
type Checksum = 'none' | 'full' | 'remote';

export interface NamingOptions extends InstanceOptions {
  readonly json?: true;
}

export interface HostOptions extends NamingOptions {
  readonly vip?: Addresses;
  readonly director?: Addresses;
  readonly interface?: string;
  readonly tunnel?: readonly TunnelType[];
  readonly tunnelPort?: number;
  readonly tunnelChecksum?: Checksum;
  readonly from?: string;
}

const DEFAULT_INSTANCE = 'default';
const STATE_DIRECTORY = '/var/lib/culvert';
const PORTS = numberArgument(1, 65_535);
const CHECKSUMS: Readonly<Record<Tunnel['type'], readonly Checksum[]>> = {
  ipip: ['none'],
  gre: ['none', 'full'],
  gue: ['none', 'full', 'remote'],
};

/** Adds the options that say what is served, from whom, and on which interface. */
export function hostOptions(command: Command): Command {
  return servedOptions(command)
    .option('--interface <name>', 'the interface on which tunnel packets arrive')
    .addOption(
      new Option(
        '--tunnel-checksum <which>',
        'the checksum that the directors add to tunnel packets; a GRE device must match it, and it lowers the MSS',
      ).choices(['none', 'full', 'remote']),
    );
}

export function servedOptions(command: Command): Command {
  return command
    .option('--vip <address>', 'a virtual address (repeatable)', collectAddresses)
    .option('--from <file>', "read this host's VIPs and tunnels from a director's configuration file")
    .option(
      '--director <address>',
      'a director whose tunnel packets are accepted (repeatable; 0.0.0.0 or :: accepts anyone)',
      collectAddresses,
    )
    .option(
      '--tunnel <type[:port]>',
      'the tunnel in which packets arrive: ipip, gre or gue (repeatable)',
      collectTunnels,
    )
    .option('--tunnel-port <n>', 'the UDP port of GUE, if --tunnel does not contain it', PORTS);
}

export function namingOptions(command: Command): Command {
  return command
    .option('--instance <name>', 'name of this set-up, when a host has several', DEFAULT_INSTANCE)
    .option('--state-directory <path>', 'where the previous settings are saved', STATE_DIRECTORY)
    .option('--json', 'print JSON');
}

/** Every VIP named in every tunnel named. @throws CulvertError USAGE for what does not go together. */
export function namedServes(options: HostOptions): readonly Served[] {
  const { vip: vips = [], tunnel: types = [{ type: 'ipip', port: 0 }], tunnelChecksum = 'none' } = options;
  if (!types.some(({ type }) => CHECKSUMS[type].includes(tunnelChecksum))) {
    const kinds = types.map(({ type }) => type).join(' and ');
    throw new CulvertError(
      'USAGE',
      `${kinds} has no ${tunnelChecksum} checksum. fix: remove --tunnel-checksum`,
    );
  }
  return serving(
    vips,
    withPorts(types, options.tunnelPort).map((type) => tunnelOfType(type, tunnelChecksum)),
  );
}

/** Returns the kinds of tunnels named; undefined when none is. GUE without a port means every port. */
export function namedTypes({ tunnel, tunnelPort }: HostOptions): readonly TunnelType[] | undefined {
  return tunnel?.map(({ type, port }) => ({
    type,
    port: type === 'gue' && port === 0 ? (tunnelPort ?? 0) : port,
  }));
}

function withPorts(types: readonly TunnelType[], port: number | undefined): readonly TunnelType[] {
  if (port !== undefined && !types.some(({ type }) => type === 'gue')) {
    const kinds = types.map(({ type }) => type).join(' and ');
    throw new CulvertError('USAGE', `${kinds} has no port. fix: remove --tunnel-port`);
  }
  return types.map((each) => {
    if (each.type !== 'gue' || each.port !== 0) return each;
    if (port === undefined)
      throw new CulvertError('USAGE', 'GUE needs a port. fix: --tunnel gue:PORT, or --tunnel-port');
    return { ...each, port };
  });
}

/** A checksum that the kind does not have is that of another one. */
function tunnelOfType({ type, port }: TunnelType, asked: Checksum): Tunnel {
  if (type === 'ipip') return { type };
  if (type === 'gre') return { type, checksum: asked === 'full' ? asked : 'none' };
  return { type, checksum: asked, port };
}

function collectAddresses(text: string, former: Addresses = []): Addresses {
  const addresses = text.split(',').map((part) => parseIp(part));
  if (addresses.some((address) => address === undefined)) {
    throw new InvalidArgumentError('It must be an IP address, such as 192.0.2.10 or 2001:db8::10.');
  }
  return [...new Set([...former, ...addresses.filter((address) => address !== undefined)])];
}

function collectTunnels(text: string, former: readonly TunnelType[] = []): readonly TunnelType[] {
  const [, type, port] = /^(ipip|gre|gue)(?::(\d+))?$/.exec(text) ?? [];
  if (type === undefined || (port !== undefined && type !== 'gue')) {
    throw new InvalidArgumentError('It must be ipip, gre, gue, or GUE with a port such as gue:6080.');
  }
  const read = { type: type as Tunnel['type'], port: port === undefined ? 0 : PORTS(port) };
  return former.some((other) => other.type === read.type && other.port === read.port)
    ? former
    : [...former, read];
}
