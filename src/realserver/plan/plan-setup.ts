// Plans the changes that make a host serve what is wanted, in order.
import { CulvertError } from '../../errors.ts';
import { familyOf, formatIp, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import type { AcceptedEntry, LinkFacts, RealServerFacts } from '../facts/facts.ts';
import {
  type Devices,
  foundDevice,
  holderOf,
  kernelDevices,
  neededModules,
} from '../facts/kernel-devices.ts';
import { type Served, tunnelsOf, typeOf, type VerifyOptions, vipsOf, type Wanted } from '../options.ts';
import { ANYONE } from '../program/address-keys.ts';
import { type Action, entryText, type Step } from './action.ts';
import { planClamps } from './plan-clamp.ts';
import { arpSteps, ipv6Steps, kernelSysctlSteps, reversePathSteps } from './plan-sysctls.ts';

export type Decapsulation = 'kernel' | 'xdp';

export interface Plan {
  /** The steps, in an order in which none opens a hole: ARP is silenced before there is a VIP to answer for. */
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
      `this kernel does not have ${absent.join(', ')}, neither built in nor as a module. fix: --decapsulation xdp`,
    );
  }
  // The kernel's devices accept tunnel packets from anyone.
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
    throw new CulvertError(
      'INTERFACE',
      `${link.name} is not an Ethernet interface, which XDP needs. fix: name another interface (--interface), or use the kernel's tunnel devices (--decapsulation kernel)`,
    );
  }
  if (xdp === undefined || xdp.ours) return;
  if (xdp.director !== undefined) {
    throw new CulvertError(
      'XDP_OCCUPIED',
      `the XDP program of the director "${xdp.director}" is attached to this interface, which can have only one. fix: name another interface (--interface), or use the kernel's tunnel devices (--decapsulation kernel)`,
      { where: link.name },
    );
  }
  throw new CulvertError(
    'XDP_OCCUPIED',
    `another XDP program (id ${xdp.programId}, ${xdp.mode} mode) is attached to this interface. fix: detach it ("ip link set dev ${link.name} xdp off"), or use the kernel's tunnel devices (--decapsulation kernel)`,
    { where: link.name },
  );
}

/**
 * Refuses GRE with and without checksums at once: of two GRE devices the more specific one gets all packets, and drops
 * those that have, or lack, a checksum.
 */
function checkChecksums({ serves }: Wanted): void {
  const gre = tunnelsOf(serves).filter(({ type }) => type === 'gre');
  if (gre.length < 2) return;
  throw new CulvertError(
    'UNSUPPORTED',
    'the kernel cannot decapsulate GRE with checksums and GRE without them at the same time. fix: --decapsulation xdp',
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

/** Returns the interfaces that need IPv6: the one named, on which packets arrive and leave, and those that hold VIPs. */
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

/** Returns the entries of the XDP program's table: each VIP with each of its tunnels, once. */
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
      return `${formatIp(address)} is also on ${name}: if that is an Ethernet interface, this host answers ${protocol} for it`;
    });
}

function sourceWarnings({ directors }: Wanted, way: Decapsulation): string[] {
  if (!directors.some(isNamed)) return ['no director is named, so tunnel packets are accepted from anyone'];
  return way === 'kernel'
    ? [
        "the kernel's tunnel devices accept tunnel packets from anyone; --decapsulation xdp accepts them from the directors only",
      ]
    : [];
}

/** Returns true if it is a single address, and does not stand for anyone. */
function isNamed(director: IpAddress): boolean {
  return director !== ANYONE[4] && director !== ANYONE[6];
}
