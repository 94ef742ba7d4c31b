import { CulvertError } from '../errors.ts';
import { familyOf, formatIp, type IpFamily } from '../net/ip-address.ts';
import type { Action, Step } from './action.ts';
import { clampFamily } from './action.ts';
import type { LinkFacts, RealServerFacts } from './facts.ts';
import { foundDevice, holderOf, kernelDevices, neededModules } from './kernel-devices.ts';
import type { RealServerOptions } from './options.ts';
import { clampTool, planClamps } from './plan-clamp.ts';
import { arpSteps, ipv6Steps, kernelSysctlSteps, reversePathSteps } from './plan-sysctls.ts';

export type Decapsulation = 'kernel' | 'xdp';

export interface Plan {
  /** In an order in which no step opens a hole: ARP is silenced before there is a VIP to answer for. */
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

export const LOOPBACK = 'lo';

/** @throws CulvertError UNSUPPORTED when the kernel's way is asked for and the kernel has none. */
export function chooseDecapsulation(facts: RealServerFacts, options: RealServerOptions): Decapsulation {
  if (options.decapsulation === 'xdp') return 'xdp';
  const absent = neededModules(options).filter((module) => facts.modules[module] === 'absent');
  if (options.decapsulation === 'kernel') {
    if (absent.length === 0) return 'kernel';
    throw new CulvertError(
      'UNSUPPORTED',
      `this kernel has no ${absent.join(', no ')} and no module for it: decapsulate by xdp`,
    );
  }
  // The kernel's devices take tunnel packets from anyone.
  return absent.length > 0 || options.directors.length > 0 ? 'xdp' : 'kernel';
}

/** @throws CulvertError INTERFACE when the interface is not there or unfit, XDP_OCCUPIED. */
export function plan(facts: RealServerFacts, options: RealServerOptions, way: Decapsulation): Plan {
  const link = facts.link;
  if (link === undefined) throw new CulvertError('INTERFACE', `there is no interface ${options.interface}`);
  if (way === 'xdp') checkXdp(facts, link);
  const families = familiesOf(options);
  const holders = families.map((family) => holder(facts, options, way, family));
  const clamps = planClamps(facts, options, link.mtuBytes);
  return {
    steps: [
      ...(families.includes(4) ? arpSteps(facts, link.name) : []),
      ...(way === 'xdp'
        ? families.includes(4)
          ? reversePathSteps(facts, link.name)
          : []
        : kernelSysctlSteps(facts, families, ipv4Devices(facts, options))),
      ...(families.includes(6) ? ipv6Steps(facts, ipv6Interfaces(facts, options, way)) : []),
      ...upSteps(facts, way === 'xdp' ? [LOOPBACK] : deviceNames(facts, options)),
      ...addressSteps(facts, options, way),
      ...clamps.steps,
      ...(way === 'xdp' ? [attachStep(options)] : []),
    ],
    warnings: [...warnings(facts, options, holders), ...sourceWarnings(options, way), ...clamps.warnings],
  };
}

/** The families of the VIPs. */
export function familiesOf({ vips }: Pick<RealServerOptions, 'vips'>): readonly IpFamily[] {
  return ([4, 6] as const).filter((family) => vips.some((vip) => familyOf(vip) === family));
}

/** What holds the VIPs of a family. */
function holder(
  facts: RealServerFacts,
  options: RealServerOptions,
  way: Decapsulation,
  family: IpFamily,
): string {
  return (way === 'kernel' ? holderOf(facts, options, family) : undefined) ?? LOOPBACK;
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
    const family = clampFamily(action.clamp);
    return (
      options.mss === 'none' ||
      !familiesOf(options).includes(family) ||
      action.clamp.tool !== clampTool(facts, family)
    );
  });
}

function deviceNames(facts: RealServerFacts, options: RealServerOptions): readonly string[] {
  return kernelDevices(options).map((device) => foundDevice(facts, device)?.name ?? device.name);
}

function ipv4Devices(facts: RealServerFacts, options: RealServerOptions): readonly string[] {
  return kernelDevices(options)
    .filter(({ carries }) => carries.includes(4))
    .map((device) => foundDevice(facts, device)?.name ?? device.name);
}

/** Where IPv6 packets come in or are held: the interface itself, by which they leave too, and what is behind it. */
export function ipv6Interfaces(
  facts: RealServerFacts,
  options: Pick<RealServerOptions, 'interface' | 'vips' | 'directors' | 'tunnel'>,
  way: Decapsulation | undefined,
): readonly string[] {
  const devices = kernelDevices(options).filter(({ carries }) => carries.includes(6));
  const names = devices.map((device) => foundDevice(facts, device)?.name ?? device.name);
  return [options.interface, ...(way === 'kernel' ? names : [LOOPBACK])];
}

function upSteps(facts: RealServerFacts, names: readonly string[]): Step[] {
  const links = [facts.loopback, ...facts.tunnels];
  return names
    .filter((name) => links.find((link) => link?.name === name)?.up !== true)
    .map((name) => ({
      action: { kind: 'set-link', interface: name, up: true },
      undo: [{ kind: 'set-link', interface: name, up: false }],
    }));
}

function addressSteps(facts: RealServerFacts, options: RealServerOptions, way: Decapsulation): Step[] {
  return options.vips
    .map((vip) => ({ address: vip, interface: holder(facts, options, way, familyOf(vip)) }))
    .filter(
      ({ address, interface: name }) =>
        !facts.addresses.some((held) => held.address === address && held.interface === name),
    )
    .map((held) => ({
      action: { kind: 'add-address', ...held },
      undo: [{ kind: 'delete-address', ...held }],
    }));
}

function attachStep({ interface: name, instance, vips, directors, tunnel }: RealServerOptions): Step {
  return {
    action: { kind: 'attach', interface: name, instance, vips, directors, tunnel },
    undo: [{ kind: 'detach', instance }],
  };
}

function warnings(facts: RealServerFacts, options: RealServerOptions, holders: readonly string[]): string[] {
  return facts.addresses
    .filter(({ address, interface: name }) => options.vips.includes(address) && !holders.includes(name))
    .map(({ address, interface: name }) => {
      const protocol = familyOf(address) === 4 ? 'ARP' : 'neighbour discovery';
      return `${formatIp(address)} is on ${name} too: if that is an Ethernet interface, this host answers ${protocol} for it`;
    });
}

function sourceWarnings({ directors }: RealServerOptions, way: Decapsulation): string[] {
  if (directors.length === 0) return ['no director is named: tunnel packets are accepted from anyone'];
  return way === 'kernel'
    ? ["the kernel's devices take tunnel packets from anyone; decapsulation by xdp from the directors only"]
    : [];
}
