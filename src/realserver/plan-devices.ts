import { CulvertError } from '../errors.ts';
import type { TunnelSettings } from '../linux/netlink/tunnel.ts';
import { familyOf, type IpAddress, type IpFamily, isIpv6 } from '../net/ip-address.ts';
import type { Step } from './action.ts';
import type { RealServerFacts } from './facts.ts';
import {
  foundDevice,
  GUE_MODULE,
  type KernelDevice,
  kernelDevices,
  neededModules,
} from './kernel-devices.ts';
import type { RealServerOptions } from './options.ts';

const LINK_LOCAL_PREFIX = 0xfe80n >> 6n;

/** What makes the kernel's tunnel devices; the facts about them can only be read afterwards. */
export function planTunnelDevices(facts: RealServerFacts, options: RealServerOptions): readonly Step[] {
  return [
    ...[...new Set(neededModules(options))]
      .filter((module) => facts.modules[module] === 'loadable' && isWanting(facts, options, module))
      .map(loadStep),
    ...kernelDevices(options).flatMap((device) => deviceSteps(facts, options, device)),
    ...gueSteps(facts, options),
  ];
}

/** A module that is built in looks as one that could be loaded does. */
function isWanting(facts: RealServerFacts, options: RealServerOptions, module: string): boolean {
  if (module === GUE_MODULE) return gueFamilies(facts, options).length > 0;
  return kernelDevices(options).some(
    (device) => device.module === module && foundDevice(facts, device) === undefined,
  );
}

function loadStep(module: string): Step {
  return { action: { kind: 'load-module', module }, undo: [{ kind: 'unload-module', module }] };
}

function deviceSteps(facts: RealServerFacts, options: RealServerOptions, device: KernelDevice): Step[] {
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
function localAddress(facts: RealServerFacts, options: RealServerOptions, family: IpFamily): IpAddress {
  const found = facts.addresses.find(
    ({ address, interface: name }) =>
      name === options.interface &&
      familyOf(address) === family &&
      !options.vips.includes(address) &&
      !(isIpv6(address) && address >> 118n === LINK_LOCAL_PREFIX),
  );
  if (found !== undefined) return found.address;
  throw new CulvertError(
    'INTERFACE',
    `${options.interface} has no IPv${family} address that tunnel packets could be for`,
  );
}

function gueSteps(facts: RealServerFacts, options: RealServerOptions): Step[] {
  const { tunnel } = options;
  if (tunnel.type !== 'gue') return [];
  return gueFamilies(facts, options).map((family) => ({
    action: { kind: 'open-gue', family, port: tunnel.port },
    undo: [{ kind: 'close-gue', family, port: tunnel.port }],
  }));
}

/** The outer families whose GUE port is not open yet. */
export function gueFamilies(
  { guePorts }: RealServerFacts,
  options: Pick<RealServerOptions, 'vips' | 'directors' | 'tunnel'>,
): readonly IpFamily[] {
  const { tunnel } = options;
  if (tunnel.type !== 'gue') return [];
  const families = new Set(kernelDevices(options).map(({ outer }) => outer));
  return [...families].filter(
    (family) => !guePorts.some((open) => open.family === family && open.port === tunnel.port),
  );
}
