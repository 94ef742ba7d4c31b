// Reads the facts about this host.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type InterfaceAddress, listAddresses } from '../../linux/netlink/address.ts';
import { RT_TABLE } from '../../linux/netlink/constants.ts';
import { FouPorts } from '../../linux/netlink/devices/fou.ts';
import { type Link, listLinks } from '../../linux/netlink/devices/link.ts';
import type { TunnelKind } from '../../linux/netlink/devices/tunnel.ts';
import { listRoutes } from '../../linux/netlink/route.ts';
import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { readSysctl } from '../../linux/sysctl.ts';
import type { IpFamily } from '../../net/address/ip-address.ts';
import type { VerifyOptions } from '../options.ts';
import { LOOPBACK } from '../plan/plan-setup.ts';
import { observeProgram } from '../program/decapsulation-program.ts';
import type {
  AddressFacts,
  GuePort,
  LinkFacts,
  Listener,
  ModuleState,
  RealServerFacts,
  TunnelFacts,
} from './facts.ts';
import { observeFirewall } from './firewall.ts';
import { GUE_MODULE, guePortsOf, kernelDevices, neededModules } from './kernel-devices.ts';
import { parseListeners } from './listeners.ts';
import { FORWARDING, settingPath } from './sysctls.ts';

const ETHERNET_ADDRESS_BYTES = 6;
const TUNNEL_KINDS: readonly TunnelKind[] = ['ipip', 'sit', 'ip6tnl', 'gre', 'ip6gre'];

/** Reads the facts about this host (this network namespace) that matter to a real server; changes nothing. */
export function observe(options: Pick<VerifyOptions, 'serves' | 'directors' | 'interface'>): RealServerFacts {
  using socket = new NetlinkSocket();
  const links = listLinks(socket);
  const nameOf = (index: number | undefined): string | undefined =>
    links.find((link) => link.index === index)?.name;
  const link = links.find((candidate) => candidate.name === options.interface);
  const tunnels = links.flatMap(tunnelFacts);
  const defaults = listRoutes(socket, { table: RT_TABLE.main, family: 4 }).filter(
    (route) => route.prefixLength === 0,
  );
  const devices = kernelDevices(options);
  return {
    link: linkFacts(link),
    loopback: linkFacts(links.find((candidate) => candidate.name === LOOPBACK)),
    tunnels,
    guePorts: guePortsOf(options.serves).length > 0 ? guePorts() : [],
    modules: Object.fromEntries(
      neededModules(options).map((module) => [
        module,
        devices.some((device) => device.module === module && tunnels.some(({ kind }) => kind === device.kind))
          ? 'present'
          : moduleState(module),
      ]),
    ),
    addresses: listAddresses(socket).flatMap((address) => addressFacts(address, nameOf(address.ifIndex))),
    sysctls: readSysctls([options.interface, LOOPBACK, ...tunnels.map(({ name }) => name)]),
    firewall: observeFirewall(),
    // Read only when a program is attached, so that the kernel's way needs no libbpf.
    xdp: link?.xdpProgramId === undefined ? undefined : observeProgram(link.index),
    defaultRoutes: [...new Set(defaults.flatMap((route) => nameOf(route.ifIndex) ?? []))],
    listeners: readListeners(),
  };
}

/** The addresses of this host, each with its interface. */
export function observeAddresses(): readonly AddressFacts[] {
  using socket = new NetlinkSocket();
  const links = listLinks(socket);
  return listAddresses(socket).flatMap((address) =>
    addressFacts(address, links.find(({ index }) => index === address.ifIndex)?.name),
  );
}

function tunnelFacts(link: Link): TunnelFacts[] {
  const kind = TUNNEL_KINDS.find((known) => known === link.kind);
  const facts = linkFacts(link);
  return kind === undefined || facts === undefined ? [] : [{ ...facts, kind }];
}

/** Reads the GUE ports; not without the module, because the request would load it. */
function guePorts(): GuePort[] {
  if (!existsSync(`/sys/module/${GUE_MODULE}`)) return [];
  using ports = new FouPorts();
  return ports.list().filter(({ type }) => type === 'gue');
}

function linkFacts(link: Link | undefined): LinkFacts | undefined {
  if (link === undefined) return undefined;
  const { index, name, mtuBytes, up, running } = link;
  const ethernet = link.mac.length === ETHERNET_ADDRESS_BYTES && name !== LOOPBACK;
  return { index, name, mtuBytes, up, running, ethernet };
}

function addressFacts(
  { address, prefixLength }: InterfaceAddress,
  interfaceName: string | undefined,
): AddressFacts[] {
  return interfaceName === undefined ? [] : [{ interface: interfaceName, address, prefixLength }];
}

function moduleState(module: string): ModuleState {
  if (existsSync(`/sys/module/${module}`)) return 'present';
  try {
    execFileSync('modprobe', ['--dry-run', '--quiet', module], { stdio: 'ignore' });
    return 'loadable';
  } catch {
    return 'absent';
  }
}

function readSysctls(interfaces: readonly string[]): Record<string, string> {
  const settings = ['arp_ignore', 'arp_announce', 'rp_filter'];
  const paths = [
    FORWARDING[4],
    settingPath('accept_redirects', 'all'),
    ...([4, 6] as const).flatMap((family) =>
      configured(family).map((name) => settingPath('forwarding', name, family)),
    ),
    ...['all', ...interfaces].flatMap((name) => settings.map((setting) => settingPath(setting, name))),
    ...interfaces.map((name) => settingPath('disable_ipv6', name, 6)),
  ];
  const values = paths.map((path) => [path, readSysctl(path)] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** `all`, `default`, and the interfaces that have settings of a family. */
function configured(family: IpFamily): string[] {
  const directory = `/proc/sys/net/ipv${family}/conf`;
  return existsSync(directory) ? readdirSync(directory) : [];
}

function readListeners(): Listener[] {
  return (['tcp', 'udp'] as const).flatMap((protocol) =>
    [protocol, `${protocol}6`].flatMap((file) => {
      const path = `/proc/net/${file}`;
      return existsSync(path) ? parseListeners(protocol, readFileSync(path, 'utf8')) : [];
    }),
  );
}
