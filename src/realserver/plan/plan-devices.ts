// Plans the kernel's tunnel devices.
import { CulvertError } from '../../errors.ts';
import type { TunnelSettings } from '../../linux/netlink/devices/tunnel.ts';
import { familyOf, type IpAddress, type IpFamily, isIpv6 } from '../../net/address/ip-address.ts';
import type { GuePort, RealServerFacts } from '../facts/facts.ts';
import {
  type Devices,
  foundDevice,
  GUE_MODULE,
  guePortsOf,
  type KernelDevice,
  kernelDevices,
  neededModules,
} from '../facts/kernel-devices.ts';
import { vipsOf, type Wanted } from '../options.ts';
import type { Step } from './action.ts';

const LINK_LOCAL_PREFIX = 0xfe80n >> 6n;

/** Plans the kernel's tunnel devices. The facts about them can be read only after these steps. */
export function planTunnelDevices(facts: RealServerFacts, options: Wanted): readonly Step[] {
  return [
    ...neededModules(options)
      .filter((module) => facts.modules[module] === 'loadable' && isWanting(facts, options, module))
      .map(loadStep),
    ...kernelDevices(options).flatMap((device) => deviceSteps(facts, options, device)),
    ...gueSteps(facts, options),
  ];
}

/** A module that is built in looks as one that could be loaded does. */
function isWanting(facts: RealServerFacts, options: Wanted, module: string): boolean {
  if (module === GUE_MODULE) return closedGuePorts(facts, options).length > 0;
  return kernelDevices(options).some(
    (device) => device.module === module && foundDevice(facts, device) === undefined,
  );
}

function loadStep(module: string): Step {
  return { action: { kind: 'load-module', module }, undo: [{ kind: 'unload-module', module }] };
}

function deviceSteps(facts: RealServerFacts, options: Wanted, device: KernelDevice): Step[] {
  if (foundDevice(facts, device) !== undefined) return [];
  const { kind, name, own, outer } = device;
  const tunnel: TunnelSettings =
    own === undefined ? { kind } : { kind, ...own, local: localAddress(facts, options, outer) };
  return [
    {
      action: { kind: 'create-tunnel', interface: name, tunnel },
      undo: [{ kind: 'delete-link', interface: name }],
    },
  ];
}

/** @throws CulvertError INTERFACE */
function localAddress(facts: RealServerFacts, options: Wanted, family: IpFamily): IpAddress {
  const found = facts.addresses.find(
    ({ address, interface: name }) =>
      name === options.interface &&
      familyOf(address) === family &&
      !vipsOf(options.serves).includes(address) &&
      !(isIpv6(address) && address >> 118n === LINK_LOCAL_PREFIX),
  );
  if (found !== undefined) return found.address;
  throw new CulvertError(
    'INTERFACE',
    `${options.interface} has no IPv${family} address on which to receive tunnel packets. fix: add one, or name another interface (--interface)`,
  );
}

function gueSteps(facts: RealServerFacts, options: Wanted): Step[] {
  return closedGuePorts(facts, options).map((open) => ({
    action: { kind: 'open-gue', ...open },
    undo: [{ kind: 'close-gue', ...open }],
  }));
}

/** The GUE ports that tunnel packets come to, for each outer family. */
export function neededGuePorts(options: Devices): readonly GuePort[] {
  const families = [...new Set(kernelDevices(options).map(({ outer }) => outer))];
  return guePortsOf(options.serves).flatMap((port) => families.map((family) => ({ family, port })));
}

/** Returns the needed GUE ports that are not open yet. */
export function closedGuePorts({ guePorts }: RealServerFacts, options: Devices): readonly GuePort[] {
  return neededGuePorts(options).filter(
    ({ family, port }) => !guePorts.some((open) => open.family === family && open.port === port),
  );
}
