// Performs planned changes on this host.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { CulvertError } from '../errors.ts';
import { errnoOf } from '../linux/errno.ts';
import { addAddress, deleteAddress, type NewAddress } from '../linux/netlink/address.ts';
import { FouPorts } from '../linux/netlink/devices/fou.ts';
import { changeLink, deleteLink, findLink, type Link } from '../linux/netlink/devices/link.ts';
import { createTunnel } from '../linux/netlink/devices/tunnel.ts';
import { NetlinkSocket } from '../linux/netlink/socket.ts';
import { readSysctl, writeSysctl } from '../linux/sysctl.ts';
import { familyOf } from '../net/address/ip-address.ts';
import type { GuePort } from './facts/facts.ts';
import { clamp, unclamp } from './facts/firewall.ts';
import { GUE_MODULE } from './facts/kernel-devices.ts';
import { type Action, hostPrefixLength } from './plan/action.ts';
import { acceptOn, refuseDirectorOn, refuseOn } from './program/decapsulation-program.ts';

export interface Performed {
  /** Warnings for the operator. */
  readonly warnings: readonly string[];
  /** False when the host is known to have been in this state already. */
  readonly changed: boolean;
}

/**
 * Changes the host. Removing something that is gone does nothing, and neither does creating something that exists.
 */
export function perform(action: Action): Performed {
  using socket = new NetlinkSocket();
  switch (action.kind) {
    case 'load-module':
      modprobe([action.module]);
      break;
    case 'unload-module':
      return { warnings: unloadModule(action.module), changed: true };
    case 'create-tunnel':
      if (findLink(socket, action.interface) === undefined) {
        createTunnel(socket, { name: action.interface, ...action.tunnel });
      }
      break;
    case 'open-gue':
      openGue(action);
      break;
    case 'close-gue':
      closeGue(action);
      break;
    case 'delete-link':
      whenThere(socket, action.interface, (link) => deleteLink(socket, link.index));
      break;
    case 'set-link':
      setLink(socket, action.interface, action.up);
      break;
    case 'add-address':
      tolerate('EEXIST', () => addAddress(socket, hostAddress(socket, action)));
      break;
    case 'delete-address':
      whenThere(socket, action.interface, () => {
        tolerate('EADDRNOTAVAIL', () => deleteAddress(socket, hostAddress(socket, action)));
      });
      break;
    case 'set-sysctl':
      // The setting of an interface goes with the interface.
      if (readSysctl(action.path) !== undefined) writeSysctl(action.path, action.value);
      break;
    case 'clamp':
      clamp(action.clamp);
      break;
    case 'unclamp':
      unclamp(action.clamp);
      break;
    case 'accept':
      return acceptOn(
        { interface: action.interface, ifIndex: mustFind(socket, action.interface).index },
        action,
      );
    case 'refuse':
      whenThere(socket, action.interface, ({ index }) => refuseOn(index, action.entry));
      break;
    case 'refuse-director':
      whenThere(socket, action.interface, ({ index }) => refuseDirectorOn(index, action.director));
      break;
  }
  return { warnings: [], changed: true };
}

function setLink(socket: NetlinkSocket, name: string, up: boolean): void {
  if (up) changeLink(socket, mustFind(socket, name).index, { up });
  else whenThere(socket, name, (link) => changeLink(socket, link.index, { up }));
}

function hostAddress(
  socket: NetlinkSocket,
  { interface: name, address }: Extract<Action, { kind: 'add-address' | 'delete-address' }>,
): NewAddress {
  const held = { ifIndex: mustFind(socket, name).index, address, prefixLength: hostPrefixLength(address) };
  // Deprecated: never the source of the host's own connections. No DAD: the VIP is in use elsewhere, by design.
  return familyOf(address) === 6 ? { ...held, noDad: true, deprecated: true } : held;
}

function openGue({ family, port }: GuePort): void {
  using ports = new FouPorts();
  if (!ports.list().some((open) => open.family === family && open.port === port && open.type === 'gue')) {
    ports.add({ family, port, type: 'gue' });
  }
}

function closeGue({ family, port }: GuePort): void {
  if (!existsSync(`/sys/module/${GUE_MODULE}`)) return;
  using ports = new FouPorts();
  if (ports.list().some((open) => open.family === family && open.port === port))
    ports.delete({ family, port });
}

function mustFind(socket: NetlinkSocket, name: string): Link {
  const link = findLink(socket, name);
  if (link === undefined) throw new CulvertError('INTERFACE', `there is no interface ${name}`);
  return link;
}

function whenThere(socket: NetlinkSocket, name: string, work: (link: Link) => void): void {
  const link = findLink(socket, name);
  if (link !== undefined) work(link);
}

function tolerate(errno: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) !== errno) throw error;
  }
}

/** Unloads a module, unless another tunnel uses it by now: then it stays, and does no harm. */
function unloadModule(module: string): string[] {
  if (!existsSync(`/sys/module/${module}`)) return [];
  try {
    modprobe(['--remove', module]);
    return [];
  } catch {
    return [`the kernel module ${module} stays loaded: something else uses it`];
  }
}

function modprobe(parameters: readonly string[]): void {
  try {
    execFileSync('modprobe', parameters, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() ?? String(cause);
    throw new CulvertError('REALSERVER', `modprobe ${parameters.join(' ')}: ${said}`, { cause });
  }
}
