// All findings of `verify` about a host.
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import { type DecapsulationCounts, type RealServerFacts } from '../facts/facts.ts';
import { foundDevice, kernelDevices } from '../facts/kernel-devices.ts';
import {
  arpSilent,
  dropsByReversePath,
  effective,
  ipv6IsOff,
  settingPath,
  sysctlText,
} from '../facts/sysctls.ts';
import { tunnelsOf, typeOf, typeText, type VerifyOptions, vipsOf } from '../options.ts';
import { entryText } from '../plan/action.ts';
import { closedGuePorts } from '../plan/plan-devices.ts';
import { entriesOf, familiesOf, ipv6Interfaces } from '../plan/plan-setup.ts';
import { overheadBytes } from '../plan/tunnel-room.ts';
import { ANYONE } from '../program/address-keys.ts';
import { type Finding, finding } from './finding.ts';
import { clampFinding, listenerFinding, vipFinding } from './findings-vip.ts';

type Way = 'xdp' | 'kernel' | undefined;

/** RFC 791: every host takes a packet of 576 bytes; RFC 8200: every link one of 1,280. */
const SMALLEST_PACKET_BYTES = { 4: 576, 6: 1280 } as const;

/** Checks everything a real server needs, in the order in which a packet meets it. */
export function findings(facts: RealServerFacts, options: VerifyOptions): Finding[] {
  const way = decapsulator(facts, options);
  const families = familiesOf(options);
  const { listeners = [] } = options;
  const vips = vipsOf(options.serves);
  return [
    ...linkFindings(facts, options),
    decapsulation(facts, options, way),
    acceptedSources(facts, options, way),
    ...(families.includes(4)
      ? inDevices(facts, options, way).map((name) => reversePath(facts, name, way))
      : []),
    ...(families.includes(6) ? ipv6Findings(facts, options, way) : []),
    ...vips.map((vip) => vipFinding(facts, options, way, vip)),
    ...(families.includes(4) ? [arpIgnore(facts, options), arpAnnounce(facts, options)] : []),
    ...(facts.link === undefined ? [] : vips.map((vip) => clampFinding(facts, options, vip))),
    ...listeners.map(({ vip, port }) => listenerFinding(facts, vip, port)),
  ];
}

/** Returns what decapsulates the VIPs' tunnel packets; undefined when nothing does. */
function decapsulator(facts: RealServerFacts, options: VerifyOptions): Way {
  const accepts = facts.xdp?.accepts;
  if (accepts !== undefined && xdpFaults(facts, options).length === 0) return 'xdp';
  return kernelFaults(facts, options).length === 0 ? 'kernel' : undefined;
}

function linkFindings({ link }: RealServerFacts, options: VerifyOptions): Finding[] {
  const name = options.interface;
  if (link === undefined) {
    const remedy = 'name the interface on which packets from the director arrive (--interface)';
    return [{ check: 'interface', ok: false, found: `there is no ${name}`, expected: `${name}, up`, remedy }];
  }
  const state = link.up ? (link.running ? 'up' : 'up, but without carrier') : 'down';
  const overhead = overheadBytes(options);
  const smallest = overhead + SMALLEST_PACKET_BYTES[familiesOf(options).at(-1) ?? 4];
  return [
    finding({
      check: 'interface',
      ok: link.up && link.running,
      found: `${name} is ${state}`,
      expected: `${name} is up`,
      remedy: link.up ? 'check the cable and the other end of the link' : `ip link set ${name} up`,
    }),
    finding({
      check: 'link MTU',
      ok: link.mtuBytes >= smallest,
      found: `${link.mtuBytes}: client packets of up to ${link.mtuBytes - overhead} bytes fit`,
      expected: `${smallest} or more`,
      remedy: `ip link set ${name} mtu 1500, if the network supports it`,
    }),
  ];
}

function decapsulation(facts: RealServerFacts, options: VerifyOptions, way: Way): Finding {
  const { xdp } = facts;
  const faults = xdp?.accepts === undefined ? kernelFaults(facts, options) : xdpFaults(facts, options);
  const others =
    xdp !== undefined && xdp.accepts === undefined
      ? [`the XDP program ${xdp.programId} is not culvert's`]
      : [];
  const fine =
    way === 'xdp'
      ? `by XDP on ${options.interface}, ${xdp?.mode} mode${soFar(xdp?.counts)}`
      : `by the kernel, device ${deviceNames(facts, options).join(', ')}`;
  return finding({
    check: 'decapsulation',
    ok: way !== undefined,
    found: way === undefined ? [...others, ...faults.map(({ found }) => found)].join('; ') : fine,
    expected: `${kindsText(options)} packets are decapsulated`,
    remedy: ['culvert realserver setup', ...faults.flatMap(({ remedy }) => remedy ?? [])].join(', or '),
  });
}

interface Fault {
  readonly found: string;
  /** The command that fixes it; undefined when set-up does. */
  readonly remedy?: string;
}

/** Lists the reasons why culvert's program does not serve these VIPs. */
function xdpFaults(facts: RealServerFacts, { serves, interface: name }: VerifyOptions): Fault[] {
  const accepts = facts.xdp?.accepts;
  if (accepts === undefined) return [];
  const present = accepts.entries.map(entryText);
  const missing = entriesOf(serves)
    .map(entryText)
    .filter((entry) => !present.includes(entry));
  return missing.length === 0 ? [] : [{ found: `XDP on ${name} does not decapsulate ${missing.join(', ')}` }];
}

function kindsText({ serves }: VerifyOptions): string {
  return tunnelsOf(serves)
    .map((tunnel) => typeText(typeOf(tunnel)))
    .join(', ');
}

/** Lists what the kernel lacks to decapsulate these tunnel packets. */
function kernelFaults(facts: RealServerFacts, options: VerifyOptions): Fault[] {
  const devices = kernelDevices(options).flatMap((device): Fault[] => {
    const found = foundDevice(facts, device);
    if (found?.up === true) return [];
    if (found !== undefined)
      return [{ found: `${found.name} is down`, remedy: `"ip link set ${found.name} up"` }];
    if (device.own !== undefined) return [{ found: `there is no ${device.name}` }];
    const remedy = `"modprobe ${device.module}" and "ip link set ${device.name} up"`;
    return [{ found: `there is no ${device.kind} device`, remedy }];
  });
  const closed = closedGuePorts(facts, options).map(({ family, port }) => ({
    found: `GUE port ${port} is not open over IPv${family}`,
    remedy: `"ip fou add port ${port} gue${family === 6 ? ' -6' : ''}"`,
  }));
  return [...devices, ...closed];
}

function deviceNames(facts: RealServerFacts, options: VerifyOptions): string[] {
  return kernelDevices(options).map((device) => foundDevice(facts, device)?.name ?? device.name);
}

function soFar(counts: DecapsulationCounts | undefined): string {
  if (counts === undefined) return '';
  const { decapsulated, fragments, joined, refusedSource, malformed, congestion, fragmentsLost, checksum } =
    counts;
  const dropped = malformed + congestion + fragmentsLost + checksum;
  return `; so far ${decapsulated + fragments + joined} decapsulated, ${refusedSource} refused for their source, ${dropped} dropped for other reasons`;
}

function acceptedSources(facts: RealServerFacts, options: VerifyOptions, way: Way): Finding {
  const accepted = (way === 'xdp' ? facts.xdp?.accepts?.directors : undefined) ?? [ANYONE[4], ANYONE[6]];
  const wanted = options.directors;
  return finding({
    check: 'accepted from',
    ok: way !== undefined && (wanted.length === 0 || list(accepted) === list(wanted)),
    found: way === undefined ? 'nobody' : list(accepted),
    expected: wanted.length === 0 ? 'the directors (none is named)' : list(wanted),
    remedy: 'culvert realserver setup --decapsulation xdp, with --director for each director',
  });
}

function list(addresses: readonly IpAddress[]): string {
  const named = addresses
    .filter((address) => !isAnyone(address))
    .map(formatIp)
    .sort();
  return [...named, ...(addresses.some(isAnyone) ? ['anyone'] : [])].join(', ');
}

function isAnyone(address: IpAddress): boolean {
  return address === ANYONE[4] || address === ANYONE[6];
}

/** Returns the devices on which the kernel sees clients' decapsulated IPv4 packets. */
function inDevices(facts: RealServerFacts, options: VerifyOptions, way: Way): readonly string[] {
  if (way !== 'kernel') return [options.interface];
  const devices = kernelDevices(options).filter(({ carries }) => carries.includes(4));
  return devices.map((device) => foundDevice(facts, device)?.name ?? device.name);
}

function reversePath(facts: RealServerFacts, device: string, way: Way): Finding {
  const wanted = way === 'kernel' ? '0' : '2';
  const general = sysctlText(settingPath('rp_filter', 'all'));
  const own = sysctlText(settingPath('rp_filter', device));
  const value = effective(facts, 'rp_filter', device);
  return finding({
    check: 'rp_filter',
    ok: !dropsByReversePath(facts, device),
    found: `${value} on ${device} (the larger of "all" and its own value)${value === 1 ? ', strict' : ''}`,
    expected: `not 1 on ${device}: client packets arrive on it, and the route back to clients leaves by another interface`,
    // The kernel uses the larger value, so 0 must be set in both places, and 2 in one.
    remedy: wanted === '0' ? `sysctl ${general}=0 ${own}=0` : `sysctl ${own}=2`,
  });
}

function ipv6Findings(facts: RealServerFacts, options: VerifyOptions, way: Way): Finding[] {
  return ipv6Interfaces(facts, options, way).map((name) => {
    const off = ipv6IsOff(facts, name);
    return finding({
      check: `IPv6 on ${name}`,
      ok: !off,
      found: off ? 'disabled' : 'enabled',
      expected: 'enabled; otherwise the kernel drops IPv6 packets here',
      remedy: `sysctl ${sysctlText(settingPath('disable_ipv6', name, 6))}=0`,
    });
  });
}

function arpIgnore(facts: RealServerFacts, options: VerifyOptions): Finding {
  const value = effective(facts, 'arp_ignore', options.interface);
  const own = settingPath('arp_ignore', options.interface);
  const ownWrong = !['0', '1', '2', '8'].includes(facts.sysctls[own] ?? '0');
  return finding({
    check: 'arp_ignore',
    ok: arpSilent(value),
    found: `${value} on ${options.interface}${arpSilent(value) ? '' : ': the host answers ARP for the VIP'}`,
    expected: '1 (or 2, or 8)',
    remedy: `sysctl ${sysctlText(settingPath('arp_ignore', 'all'))}=1${ownWrong ? ` ${sysctlText(own)}=1` : ''}`,
  });
}

function arpAnnounce(facts: RealServerFacts, options: VerifyOptions): Finding {
  const value = effective(facts, 'arp_announce', options.interface);
  return finding({
    check: 'arp_announce',
    ok: value === 2,
    found: `${value} on ${options.interface}${value === 2 ? '' : ': ARP requests may carry the VIP as sender'}`,
    expected: '2',
    remedy: `sysctl ${sysctlText(settingPath('arp_announce', 'all'))}=2`,
  });
}
