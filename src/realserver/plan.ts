import { CulvertError } from '../errors.ts';
import { formatIpv4 } from '../net/ipv4-address.ts';
import type { Action, ClampSpec, Step } from './action.ts';
import type { LinkFacts, RealServerFacts } from './facts.ts';
import { fittingMss, type RealServerOptions } from './options.ts';
import { arpSilent, dropsByReversePath, effective, IP_FORWARD, settingPath } from './sysctls.ts';

export type Decapsulation = 'kernel' | 'xdp';

export interface Plan {
  /** In an order in which no step opens a hole: ARP is silenced before there is a VIP to answer for. */
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

/** The device that `modprobe ipip` makes, and takes packets from anyone to anyone. */
export const TUNNEL_DEVICE = 'tunl0';
export const LOOPBACK = 'lo';
const IPIP_MODULE = 'ipip';
/** RFC 9293, section 3.7.1: what a TCP may assume; less is a mistake. */
const SMALLEST_MSS = 88;

/** @throws CulvertError UNSUPPORTED when the kernel's way is asked for and the kernel has none. */
export function chooseDecapsulation(facts: RealServerFacts, options: RealServerOptions): Decapsulation {
  if (options.decapsulation === 'xdp') return 'xdp';
  if (options.decapsulation === 'kernel') {
    if (facts.kernelIpip !== 'absent') return 'kernel';
    throw new CulvertError('UNSUPPORTED', 'this kernel has no ipip and no module for it: decapsulate by xdp');
  }
  // The kernel's ipip takes tunnel packets from anyone.
  return facts.kernelIpip === 'absent' || options.directors.length > 0 ? 'xdp' : 'kernel';
}

/** What makes the kernel's tunnel device; the facts about it can only be read afterwards. */
export function planTunnelDevice(facts: RealServerFacts): readonly Step[] {
  if (facts.tunnel !== undefined) return [];
  const create: Step = {
    action: { kind: 'create-tunnel', interface: TUNNEL_DEVICE },
    undo: [{ kind: 'delete-link', interface: TUNNEL_DEVICE }],
  };
  if (facts.kernelIpip !== 'loadable') return [create];
  const load: Step = {
    action: { kind: 'load-module', module: IPIP_MODULE },
    undo: [{ kind: 'unload-module', module: IPIP_MODULE }],
  };
  return [load, create];
}

/** @throws CulvertError INTERFACE when the interface is not there or unfit, XDP_OCCUPIED. */
export function plan(facts: RealServerFacts, options: RealServerOptions, way: Decapsulation): Plan {
  const link = facts.link;
  if (link === undefined) throw new CulvertError('INTERFACE', `there is no interface ${options.interface}`);
  if (way === 'xdp') checkXdp(facts, link);
  const holder = way === 'xdp' ? LOOPBACK : (facts.tunnel?.name ?? TUNNEL_DEVICE);
  const clamp = planClamp(facts, options, link.mtuBytes);
  return {
    steps: [
      ...arpSteps(facts, link.name),
      ...(way === 'xdp' ? reversePathSteps(facts, link.name) : kernelSysctlSteps(facts, holder)),
      ...linkSteps(facts, holder),
      ...addressSteps(facts, options, holder),
      ...clamp.steps,
      ...(way === 'xdp' ? [attachStep(options)] : []),
    ],
    warnings: [
      ...warnings(facts, options, holder),
      ...(options.directors.length === 0
        ? ['no director is named: tunnel packets are accepted from anyone']
        : []),
      ...(way === 'kernel' && options.directors.length > 0
        ? ["the kernel's ipip takes tunnel packets from anyone; decapsulation by xdp from the directors only"]
        : []),
      ...clamp.warnings,
    ],
  };
}

function checkXdp({ xdp }: RealServerFacts, link: LinkFacts): void {
  if (!link.ethernet) {
    throw new CulvertError('INTERFACE', `${link.name} is not an Ethernet interface, as XDP needs`);
  }
  if (xdp === undefined || xdp.ours) return;
  throw new CulvertError(
    'XDP_OCCUPIED',
    `another XDP program (id ${xdp.programId}, ${xdp.mode} mode) is on it: take it off ("ip link set dev ${link.name} xdp off"), or decapsulate by the kernel ("--decapsulation kernel")`,
    { where: link.name },
  );
}

/** What a former set-up did that this one does not want: VIPs that are gone, a clamp that is done otherwise. */
export function obsolete(
  undo: readonly Action[],
  facts: RealServerFacts,
  options: RealServerOptions,
): readonly Action[] {
  return undo.filter((action) => {
    if (action.kind === 'delete-address') return !options.vips.includes(action.address);
    if (action.kind !== 'unclamp') return false;
    return options.mss === 'none' || action.clamp.tool !== facts.firewall.tools[0];
  });
}

function arpSteps(facts: RealServerFacts, interfaceName: string): Step[] {
  const steps: Step[] = [];
  const general = settingPath('arp_ignore', 'all');
  const own = settingPath('arp_ignore', interfaceName);
  if (!arpSilent(effective(facts, 'arp_ignore', interfaceName))) {
    if (!arpSilent(facts.sysctls[general] ?? '0')) steps.push(setSysctl(facts, general, '1'));
    const ownValue = facts.sysctls[own] ?? '0';
    if (ownValue !== '0' && !arpSilent(ownValue)) steps.push(setSysctl(facts, own, '1'));
  }
  if (effective(facts, 'arp_announce', interfaceName) < 2) {
    steps.push(setSysctl(facts, settingPath('arp_announce', 'all'), '2'));
  }
  return steps;
}

/** Loose instead of none, and on this interface alone: that is all that decapsulation needs. */
function reversePathSteps(facts: RealServerFacts, interfaceName: string): Step[] {
  if (!dropsByReversePath(facts, interfaceName)) return [];
  return [setSysctl(facts, settingPath('rp_filter', interfaceName), '2')];
}

function kernelSysctlSteps(facts: RealServerFacts, tunnel: string): Step[] {
  const filters = ['all', tunnel].map((name) => settingPath('rp_filter', name));
  return [
    ...(facts.sysctls[IP_FORWARD] === '1' ? [stopForwarding(facts)] : []),
    ...filters
      .filter((path) => (facts.sysctls[path] ?? '0') !== '0')
      .map((path) => setSysctl(facts, path, '0')),
  ];
}

/** Writing ip_forward also writes what net/ipv4/devinet.c (inet_forward_change) does: that is restored one by one. */
function stopForwarding(facts: RealServerFacts): Step {
  const sideEffects = Object.keys(facts.sysctls).filter(
    (path) =>
      path === settingPath('accept_redirects', 'all') ||
      (path.endsWith('/forwarding') && path !== settingPath('forwarding', 'all')),
  );
  const restore = [IP_FORWARD, ...sideEffects].map(
    (path): Action => ({ kind: 'set-sysctl', path, value: facts.sysctls[path] ?? '0' }),
  );
  return { action: { kind: 'set-sysctl', path: IP_FORWARD, value: '0' }, undo: restore };
}

function linkSteps(facts: RealServerFacts, holder: string): Step[] {
  const link = [facts.loopback, facts.tunnel].find((candidate) => candidate?.name === holder);
  if (link?.up === true) return [];
  return [
    {
      action: { kind: 'set-link', interface: holder, up: true },
      undo: [{ kind: 'set-link', interface: holder, up: false }],
    },
  ];
}

function addressSteps(facts: RealServerFacts, options: RealServerOptions, holder: string): Step[] {
  return options.vips
    .filter((vip) => !facts.addresses.some((held) => held.address === vip && held.interface === holder))
    .map((vip) => ({
      action: { kind: 'add-address', interface: holder, address: vip },
      undo: [{ kind: 'delete-address', interface: holder, address: vip }],
    }));
}

function planClamp(facts: RealServerFacts, options: RealServerOptions, mtuBytes: number): Plan {
  if (options.mss === 'none') return { steps: [], warnings: [] };
  const fitting = fittingMss(mtuBytes);
  const mss = options.mss === 'auto' ? fitting : options.mss;
  if (mss < SMALLEST_MSS || mss > 0xffff) {
    throw new CulvertError('REALSERVER', `an MSS of ${mss} is out of range: ${SMALLEST_MSS} to 65535`);
  }
  const [tool] = facts.firewall.tools;
  if (tool === undefined) {
    const warning =
      'neither nft nor iptables works here: the MSS stays as it is, and large requests need ICMP';
    return { steps: [], warnings: [warning] };
  }
  const clamp: ClampSpec = { tool, instance: options.instance, vips: options.vips, mss };
  const step: Step = { action: { kind: 'clamp', clamp }, undo: [{ kind: 'unclamp', clamp }] };
  const tooLarge = `an MSS of ${mss} does not fit the tunnel on a link of ${mtuBytes}: at most ${fitting}`;
  return {
    steps: isClamped(facts, clamp) ? [] : [step],
    warnings: mss > fitting ? [tooLarge] : [],
  };
}

/** Whether this instance's own rules are exactly these already. */
function isClamped(facts: RealServerFacts, wanted: ClampSpec): boolean {
  const own = facts.firewall.clamps.filter(
    (clamp) => clamp.instance === wanted.instance && clamp.tool === wanted.tool,
  );
  const sources = own.flatMap((clamp) => clamp.sources.map((source) => source.address));
  return (
    own.every((clamp) => clamp.mss === wanted.mss) &&
    sources.length === wanted.vips.length &&
    wanted.vips.every((vip) => sources.includes(vip))
  );
}

function attachStep({ interface: name, instance, vips, directors }: RealServerOptions): Step {
  return {
    action: { kind: 'attach', interface: name, instance, vips, directors },
    undo: [{ kind: 'detach', instance }],
  };
}

function warnings(facts: RealServerFacts, options: RealServerOptions, holder: string): string[] {
  return facts.addresses
    .filter(({ address, interface: name }) => options.vips.includes(address) && name !== holder)
    .map(
      ({ address, interface: name }) =>
        `${formatIpv4(address)} is on ${name} too: if that is an Ethernet interface, this host answers ARP for it`,
    );
}

function setSysctl(facts: RealServerFacts, path: string, value: string): Step {
  const before = facts.sysctls[path];
  return {
    action: { kind: 'set-sysctl', path, value },
    undo: before === undefined ? [] : [{ kind: 'set-sysctl', path, value: before }],
  };
}
