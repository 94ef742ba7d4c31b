import { formatIpv4, type Ipv4Address } from '../net/ipv4-address.ts';
import { type AddressFacts, contains, type DecapsulationCounts, type RealServerFacts } from './facts.ts';
import { fittingMss, TUNNEL_OVERHEAD_BYTES, type VerifyOptions } from './options.ts';
import { LOOPBACK } from './plan.ts';
import { arpSilent, dropsByReversePath, effective, settingPath, sysctlText } from './sysctls.ts';

/** One thing that a real server needs, and how it is here. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly expected: string;
  /** What to do; empty where all is well. */
  readonly remedy: string;
}

/** RFC 791: every host takes a packet of 576 bytes. */
const SMALLEST_PACKET_BYTES = 576;

/** Everything that has to be right on this host, in the order in which a packet meets it. */
export function findings(facts: RealServerFacts, options: VerifyOptions): Finding[] {
  return [
    ...linkFindings(facts, options),
    decapsulation(facts, options),
    acceptedSources(facts, options),
    reversePath(facts, options),
    ...options.vips.map((vip) => vipPresent(facts, options, vip)),
    arpIgnore(facts, options),
    arpAnnounce(facts, options),
    ...(facts.link === undefined ? [] : options.vips.map((vip) => mssClamp(facts, vip))),
    ...options.vips.flatMap((vip) => (options.ports ?? []).map((port) => listener(facts, vip, port))),
  ];
}

/** Whose tunnel packets are taken, and by what; undefined: nobody's. */
function decapsulator(facts: RealServerFacts, options: VerifyOptions): 'xdp' | 'kernel' | undefined {
  const accepts = facts.xdp?.accepts;
  if (accepts !== undefined && options.vips.every((vip) => accepts.vips.includes(vip))) return 'xdp';
  return facts.tunnel?.up === true ? 'kernel' : undefined;
}

function linkFindings({ link }: RealServerFacts, options: VerifyOptions): Finding[] {
  const name = options.interface;
  if (link === undefined) {
    const remedy = 'name the interface that packets from the director come in by (--interface)';
    return [{ check: 'interface', ok: false, found: `there is no ${name}`, expected: `${name}, up`, remedy }];
  }
  const state = link.up ? (link.running ? 'up' : 'up, but without carrier') : 'down';
  const smallest = SMALLEST_PACKET_BYTES + TUNNEL_OVERHEAD_BYTES;
  return [
    finding({
      check: 'interface',
      ok: link.up && link.running,
      found: `${name} is ${state}`,
      expected: `${name} is up`,
      remedy: link.up ? 'see to the cable or the other end' : `ip link set ${name} up`,
    }),
    finding({
      check: 'link MTU',
      ok: link.mtuBytes >= smallest,
      found: `${link.mtuBytes}, which leaves clients' packets ${link.mtuBytes - TUNNEL_OVERHEAD_BYTES}`,
      expected: `${smallest} or more`,
      remedy: `ip link set ${name} mtu 1500, if the network carries that`,
    }),
  ];
}

function decapsulation(facts: RealServerFacts, options: VerifyOptions): Finding {
  const way = decapsulator(facts, options);
  return finding({
    check: 'decapsulation',
    ok: way !== undefined,
    found: describeDecapsulation(facts, options, way),
    expected: 'the outer header of tunnel packets is taken off',
    remedy:
      facts.tunnel === undefined
        ? 'culvert realserver setup, or "modprobe ipip" and "ip link set tunl0 up"'
        : `culvert realserver setup, or "ip link set ${facts.tunnel.name} up"`,
  });
}

function describeDecapsulation(
  facts: RealServerFacts,
  options: VerifyOptions,
  way: 'xdp' | 'kernel' | undefined,
): string {
  const { xdp, tunnel } = facts;
  if (way === 'xdp') return `by XDP on ${options.interface}, ${xdp?.mode} mode${soFar(xdp?.counts)}`;
  if (way === 'kernel') return `by the kernel, device ${tunnel?.name}`;
  if (xdp?.accepts !== undefined) {
    const missing = options.vips.filter((vip) => !xdp.accepts?.vips.includes(vip));
    return `by XDP on ${options.interface}, but not for ${missing.map(formatIpv4).join(', ')}`;
  }
  if (tunnel !== undefined) return `${tunnel.name} is down`;
  return xdp === undefined ? 'none' : `none: the XDP program ${xdp.programId} is not this instance's`;
}

function soFar(counts: DecapsulationCounts | undefined): string {
  if (counts === undefined) return '';
  const { decapsulated, fragments, joined, refusedSource, malformed, congestion, fragmentsLost } = counts;
  const dropped = malformed + congestion + fragmentsLost;
  return `; so far ${decapsulated + fragments + joined} taken, ${refusedSource} from others refused, ${dropped} unfit dropped`;
}

function acceptedSources(facts: RealServerFacts, options: VerifyOptions): Finding {
  const way = decapsulator(facts, options);
  const accepted = way === 'xdp' ? facts.xdp?.accepts?.directors : 'anyone';
  const wanted = options.directors;
  const same = Array.isArray(accepted) && list(accepted) === list(wanted);
  const found = accepted === undefined || accepted === 'anyone' ? 'anyone' : list(accepted);
  return finding({
    check: 'accepted from',
    ok: way !== undefined && (wanted.length === 0 || same),
    found: way === undefined ? 'nobody' : found,
    expected: wanted.length === 0 ? 'the directors (none is named)' : list(wanted),
    remedy: 'culvert realserver setup --decapsulation xdp with a --director for each',
  });
}

function list(addresses: readonly Ipv4Address[]): string {
  return addresses.map(formatIpv4).sort().join(', ');
}

function reversePath(facts: RealServerFacts, options: VerifyOptions): Finding {
  const way = decapsulator(facts, options);
  const device = way === 'kernel' ? (facts.tunnel?.name ?? options.interface) : options.interface;
  const wanted = way === 'kernel' ? '0' : '2';
  const general = sysctlText(settingPath('rp_filter', 'all'));
  const own = sysctlText(settingPath('rp_filter', device));
  const value = effective(facts, 'rp_filter', device);
  return finding({
    check: 'rp_filter',
    ok: !dropsByReversePath(facts, device),
    found: `${value} on ${device} (the larger of all's and its own)${value === 1 ? ', strict' : ''}`,
    expected: `not 1 on ${device}: clients' packets come in by it, and the way back to them is another`,
    // The larger value holds, so 0 has to be set in both places, and 2 in one.
    remedy: wanted === '0' ? `sysctl ${general}=0 ${own}=0` : `sysctl ${own}=2`,
  });
}

function vipPresent(facts: RealServerFacts, options: VerifyOptions, vip: Ipv4Address): Finding {
  const text = formatIpv4(vip);
  const held = facts.addresses.filter((address) => address.address === vip);
  const home = decapsulator(facts, options) === 'kernel' ? (facts.tunnel?.name ?? LOOPBACK) : LOOPBACK;
  const wrong = held.find((address) => answersArp(facts, options, address) || address.prefixLength !== 32);
  const add = `ip addr add ${text}/32 dev ${home}`;
  return finding({
    check: `VIP ${text}`,
    ok: held.length > 0 && wrong === undefined,
    found:
      held.length === 0
        ? 'missing'
        : held.map((address) => describeAddress(facts, options, address)).join(', '),
    expected: `${text}/32 on ${home}`,
    remedy:
      wrong === undefined
        ? add
        : `ip addr del ${text}/${wrong.prefixLength} dev ${wrong.interface}${held.length === 1 ? ` && ${add}` : ''}`,
  });
}

/** arp_ignore does not help for an address of the interface that the request comes in by. */
function answersArp(facts: RealServerFacts, options: VerifyOptions, address: AddressFacts): boolean {
  return address.interface === options.interface && facts.link?.ethernet === true;
}

function describeAddress(facts: RealServerFacts, options: VerifyOptions, address: AddressFacts): string {
  const where = `on ${address.interface}, /${address.prefixLength}`;
  if (answersArp(facts, options, address)) return `${where}: answers ARP in the director's place`;
  return address.prefixLength === 32 ? where : `${where}: the whole network counts as local`;
}

function arpIgnore(facts: RealServerFacts, options: VerifyOptions): Finding {
  const value = effective(facts, 'arp_ignore', options.interface);
  const own = settingPath('arp_ignore', options.interface);
  const ownWrong = !['0', '1', '2', '8'].includes(facts.sysctls[own] ?? '0');
  return finding({
    check: 'arp_ignore',
    ok: arpSilent(value),
    found: `${value} on ${options.interface}${arpSilent(value) ? '' : ': answers ARP for the VIP'}`,
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

function mssClamp(facts: RealServerFacts, vip: Ipv4Address): Finding {
  const fitting = fittingMss(facts.link?.mtuBytes ?? 0);
  const clamps = facts.firewall.clamps.filter((clamp) =>
    clamp.sources.some((source) => contains(source, vip)),
  );
  const values = clamps.flatMap((clamp) => clamp.mss ?? []);
  const lowest = Math.min(...values);
  const by = clamps.find((clamp) => clamp.mss === lowest);
  const toPath = clamps.length > 0 ? 'to the path MTU, which knows nothing of the tunnel' : 'none';
  const text = formatIpv4(vip);
  return finding({
    check: `MSS clamp ${text}`,
    ok: lowest <= fitting,
    found: by === undefined ? toPath : `${lowest} (${by.tool}, ${by.where})`,
    expected: `at most ${fitting}`,
    remedy: `culvert realserver setup, or "iptables -t mangle -A OUTPUT -s ${text} -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss ${fitting}"`,
  });
}

function listener(facts: RealServerFacts, vip: Ipv4Address, port: number): Finding {
  const listening = facts.listeners.filter(
    (candidate) => candidate.port === port && (candidate.address === undefined || candidate.address === vip),
  );
  const others = facts.listeners.filter((candidate) => candidate.port === port);
  const elsewhere = others.flatMap(({ address }) => (address === undefined ? [] : formatIpv4(address)));
  return finding({
    check: `listener ${formatIpv4(vip)}:${port}`,
    ok: listening.length > 0,
    found:
      listening.length > 0
        ? listening.map(({ protocol }) => protocol).join(', ')
        : `nobody${elsewhere.length > 0 ? ` (only on ${elsewhere.join(', ')})` : ''}`,
    expected: 'somebody listens',
    remedy: `start the service, listening on ${formatIpv4(vip)}:${port} or on every address`,
  });
}

function finding(fields: Finding): Finding {
  return fields.ok ? { ...fields, remedy: '' } : fields;
}
