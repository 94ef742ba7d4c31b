// What is to be done on a host so that it serves what is wanted, in which order.
import { CulvertError } from '../errors.ts';
import { familyOf, formatIp, type IpAddress, type IpFamily } from '../net/ip-address.ts';
import { type AcceptedEntry, type Action, entryText, type Step } from './action.ts';
import { ANYONE } from './address-keys.ts';
import type { LinkFacts, RealServerFacts } from './facts.ts';
import { type Devices, foundDevice, holderOf, kernelDevices, neededModules } from './kernel-devices.ts';
import { type Served, tunnelsOf, typeOf, type VerifyOptions, vipsOf, type Wanted } from './options.ts';
import { planClamps } from './plan-clamp.ts';
import { arpSteps, ipv6Steps, kernelSysctlSteps, reversePathSteps } from './plan-sysctls.ts';

export type Decapsulation = 'kernel' | 'xdp';

export interface Plan {
  /** In an order in which no step opens a hole: ARP is silenced before there is a VIP to answer for. */
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

export const LOOPBACK = 'lo';

/** @throws CulvertError UNSUPPORTED when the kernel's way is asked for and the kernel has none. */
export function chooseDecapsulation(
  facts: RealServerFacts,
  wanted: Wanted,
  asked: 'auto' | Decapsulation,
): Decapsulation {
  if (asked === 'xdp') return 'xdp';
  const absent = neededModules(wanted).filter((module) => facts.modules[module] === 'absent');
  if (asked === 'kernel') {
    if (absent.length === 0) return 'kernel';
    throw new CulvertError(
      'UNSUPPORTED',
      `this kernel has no ${absent.join(', no ')} and no module for it: decapsulate by xdp`,
    );
  }
  // The kernel's devices take tunnel packets from anyone.
  return absent.length > 0 || wanted.directors.some(isNamed) ? 'xdp' : 'kernel';
}

/** @throws CulvertError INTERFACE when the interface is not there or unfit, XDP_OCCUPIED, UNSUPPORTED. */
export function plan(facts: RealServerFacts, wanted: Wanted, way: Decapsulation): Plan {
  const link = facts.link;
  if (link === undefined) throw new CulvertError('INTERFACE', `there is no interface ${wanted.interface}`);
  if (way === 'xdp') checkXdp(facts, link);
  else checkChecksums(wanted);
  const families = familiesOf(wanted);
  const clamps = planClamps(facts, wanted, link.mtuBytes);
  return {
    steps: [
      ...(families.includes(4) ? arpSteps(facts, link.name) : []),
      ...(way === 'xdp'
        ? families.includes(4)
          ? reversePathSteps(facts, link.name)
          : []
        : kernelSysctlSteps(facts, families, ipv4Devices(facts, wanted))),
      ...(families.includes(6) ? ipv6Steps(facts, ipv6Interfaces(facts, wanted, way)) : []),
      ...upSteps(facts, way === 'xdp' ? [LOOPBACK] : deviceNames(facts, wanted)),
      ...addressSteps(facts, wanted, way),
      ...clamps.steps,
      ...(way === 'xdp' ? [acceptStep(wanted)] : []),
    ],
    warnings: [...warnings(facts, wanted, way), ...sourceWarnings(wanted, way), ...clamps.warnings],
  };
}

/** The families of the VIPs. */
export function familiesOf({ serves }: Pick<VerifyOptions, 'serves'>): readonly IpFamily[] {
  return ([4, 6] as const).filter((family) => serves.some(({ vip }) => familyOf(vip) === family));
}

/** The interface that holds a VIP. */
export function holder(facts: RealServerFacts, wanted: Devices, way: Decapsulation, vip: IpAddress): string {
  return (way === 'kernel' ? holderOf(facts, wanted, vip) : undefined) ?? LOOPBACK;
}

function checkXdp({ xdp }: RealServerFacts, link: LinkFacts): void {
  if (!link.ethernet) {
    throw new CulvertError('INTERFACE', `${link.name} is not an Ethernet interface, as XDP needs`);
  }
  if (xdp === undefined || xdp.ours) return;
  if (xdp.director !== undefined) {
    throw new CulvertError(
      'XDP_OCCUPIED',
      `the XDP program of the director "${xdp.director}" is on it, and there can be but one. fix: name another interface (--interface), or decapsulate by the kernel (--decapsulation kernel)`,
      { where: link.name },
    );
  }
  throw new CulvertError(
    'XDP_OCCUPIED',
    `another XDP program (id ${xdp.programId}, ${xdp.mode} mode) is on it: take it off ("ip link set dev ${link.name} xdp off"), or decapsulate by the kernel ("--decapsulation kernel")`,
    { where: link.name },
  );
}

/** Of two GRE devices the more specific one gets all packets, and drops those that have, or lack, a checksum. */
function checkChecksums({ serves }: Wanted): void {
  const gre = tunnelsOf(serves).filter(({ type }) => type === 'gre');
  if (gre.length < 2) return;
  throw new CulvertError(
    'UNSUPPORTED',
    'the kernel cannot take GRE with and without checksums at once. fix: --decapsulation xdp',
  );
}

function deviceNames(facts: RealServerFacts, wanted: Devices): readonly string[] {
  return kernelDevices(wanted).map((device) => foundDevice(facts, device)?.name ?? device.name);
}

function ipv4Devices(facts: RealServerFacts, wanted: Devices): readonly string[] {
  return kernelDevices(wanted)
    .filter(({ carries }) => carries.includes(4))
    .map((device) => foundDevice(facts, device)?.name ?? device.name);
}

/** Where IPv6 packets come in or are held: the interface itself, by which they leave too, and what is behind it. */
export function ipv6Interfaces(
  facts: RealServerFacts,
  wanted: Pick<VerifyOptions, 'interface' | 'serves' | 'directors'>,
  way: Decapsulation | undefined,
): readonly string[] {
  const devices = kernelDevices(wanted).filter(({ carries }) => carries.includes(6));
  const names = devices.map((device) => foundDevice(facts, device)?.name ?? device.name);
  return [wanted.interface, ...(way === 'kernel' ? names : [LOOPBACK])];
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

function addressSteps(facts: RealServerFacts, wanted: Wanted, way: Decapsulation): Step[] {
  return vipsOf(wanted.serves)
    .map((vip) => ({ address: vip, interface: holder(facts, wanted, way, vip) }))
    .filter(
      ({ address, interface: name }) =>
        !facts.addresses.some((held) => held.address === address && held.interface === name),
    )
    .map((held) => ({
      action: { kind: 'add-address', ...held },
      undo: [{ kind: 'delete-address', ...held }],
    }));
}

/** Entries are undone one by one, so that a VIP can be taken away and the others stay. */
function acceptStep(wanted: Wanted): Step {
  const { interface: name, directors } = wanted;
  const entries = entriesOf(wanted.serves);
  return {
    action: { kind: 'accept', interface: name, entries, directors },
    undo: [
      ...entries.map((entry): Action => ({ kind: 'refuse', interface: name, entry })),
      ...directors.map((director): Action => ({ kind: 'refuse-director', interface: name, director })),
    ],
  };
}

/** What the XDP program has to accept. */
export function entriesOf(serves: readonly Served[]): readonly AcceptedEntry[] {
  const entries = serves.map(({ vip, tunnel }) => ({ vip, ...typeOf(tunnel) }));
  return [...new Map(entries.map((entry) => [entryText(entry), entry])).values()];
}

function warnings(facts: RealServerFacts, wanted: Wanted, way: Decapsulation): string[] {
  const vips = vipsOf(wanted.serves);
  return facts.addresses
    .filter(
      ({ address, interface: name }) =>
        vips.includes(address) && holder(facts, wanted, way, address) !== name,
    )
    .map(({ address, interface: name }) => {
      const protocol = familyOf(address) === 4 ? 'ARP' : 'neighbour discovery';
      return `${formatIp(address)} is on ${name} too: if that is an Ethernet interface, this host answers ${protocol} for it`;
    });
}

function sourceWarnings({ directors }: Wanted, way: Decapsulation): string[] {
  if (!directors.some(isNamed)) return ['no director is named: tunnel packets are accepted from anyone'];
  return way === 'kernel'
    ? ["the kernel's devices take tunnel packets from anyone; decapsulation by xdp from the directors only"]
    : [];
}

/** Not anyone. */
function isNamed(director: IpAddress): boolean {
  return director !== ANYONE[4] && director !== ANYONE[6];
}
