import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type InterfaceAddress, listAddresses } from '../linux/netlink/address.ts';
import { RT_TABLE } from '../linux/netlink/constants.ts';
import { type Link, listLinks } from '../linux/netlink/link.ts';
import { listRoutes } from '../linux/netlink/route.ts';
import { NetlinkSocket } from '../linux/netlink/socket.ts';
import { readSysctl } from '../linux/sysctl.ts';
import { isIpv4 } from '../net/ip-address.ts';
import type { AddressFacts, LinkFacts, Listener, RealServerFacts } from './facts.ts';
import { observeFirewall } from './firewall.ts';
import { parseListeners } from './listeners.ts';
import { LOOPBACK, TUNNEL_DEVICE } from './plan.ts';
import { observeProgram } from './program.ts';
import { IP_FORWARD, settingPath } from './sysctls.ts';

const ETHERNET_ADDRESS_BYTES = 6;
const CONF = '/proc/sys/net/ipv4/conf';

/** Reads what matters to a real server from this host (this network namespace); changes nothing. */
export function observe(interfaceName: string, instance: string): RealServerFacts {
  using socket = new NetlinkSocket();
  const links = listLinks(socket);
  const nameOf = (index: number | undefined): string | undefined =>
    links.find((link) => link.index === index)?.name;
  const link = links.find((candidate) => candidate.name === interfaceName);
  const ipip = links.filter((candidate) => candidate.kind === 'ipip');
  const tunnel = ipip.find((candidate) => candidate.name === TUNNEL_DEVICE) ?? ipip[0];
  const defaults = listRoutes(socket, { table: RT_TABLE.main, family: 4 }).filter(
    (route) => route.prefixLength === 0,
  );
  return {
    link: linkFacts(link),
    loopback: linkFacts(links.find((candidate) => candidate.name === LOOPBACK)),
    tunnel: linkFacts(tunnel),
    kernelIpip: tunnel === undefined ? moduleState() : 'present',
    addresses: listAddresses(socket, { family: 4 }).flatMap((address) =>
      addressFacts(address, nameOf(address.ifIndex)),
    ),
    sysctls: readSysctls([interfaceName, LOOPBACK, tunnel?.name ?? TUNNEL_DEVICE]),
    firewall: observeFirewall(),
    // Asked only where there is one, so that the kernel's way needs no libbpf.
    xdp: link?.xdpProgramId === undefined ? undefined : observeProgram(instance, link.index),
    defaultRoutes: [...new Set(defaults.flatMap((route) => nameOf(route.ifIndex) ?? []))],
    listeners: readListeners(),
  };
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
  return interfaceName === undefined || !isIpv4(address)
    ? []
    : [{ interface: interfaceName, address, prefixLength }];
}

/** The directory is there for a built-in ipip too, because it has a parameter. */
function moduleState(): 'present' | 'loadable' | 'absent' {
  if (existsSync('/sys/module/ipip')) return 'present';
  try {
    execFileSync('modprobe', ['--dry-run', '--quiet', 'ipip'], { stdio: 'ignore' });
    return 'loadable';
  } catch {
    return 'absent';
  }
}

function readSysctls(interfaces: readonly string[]): Record<string, string> {
  const settings = ['arp_ignore', 'arp_announce', 'rp_filter'];
  const paths = [
    IP_FORWARD,
    settingPath('accept_redirects', 'all'),
    ...readdirSync(CONF).map((name) => settingPath('forwarding', name)),
    ...['all', ...interfaces].flatMap((name) => settings.map((setting) => settingPath(setting, name))),
  ];
  const values = paths.map((path) => [path, readSysctl(path)] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function readListeners(): Listener[] {
  return (['tcp', 'udp'] as const).flatMap((protocol) =>
    [protocol, `${protocol}6`].flatMap((file) => {
      const path = `/proc/net/${file}`;
      return existsSync(path) ? parseListeners(protocol, readFileSync(path, 'utf8')) : [];
    }),
  );
}
