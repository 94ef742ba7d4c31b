// A change to a host, and how it is undone.
import type { TunnelSettings } from '../../linux/netlink/devices/tunnel.ts';
import { familyOf, formatIp, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import type { AcceptedEntry, FirewallTool, GuePort } from '../facts/facts.ts';
import { sysctlText } from '../facts/sysctls.ts';
import { typeText } from '../options.ts';

/** A change to the host. It is plain data, because undo actions are kept in the record on disk. */
export type Action =
  | { readonly kind: 'load-module' | 'unload-module'; readonly module: string }
  | {
      readonly kind: 'create-tunnel';
      readonly interface: string;
      readonly tunnel: TunnelSettings;
    }
  | { readonly kind: 'delete-link'; readonly interface: string }
  | ({ readonly kind: 'open-gue' | 'close-gue' } & GuePort)
  | { readonly kind: 'set-link'; readonly interface: string; readonly up: boolean }
  | {
      readonly kind: 'add-address' | 'delete-address';
      readonly interface: string;
      readonly address: IpAddress;
    }
  | { readonly kind: 'set-sysctl'; readonly path: string; readonly value: string }
  | { readonly kind: 'clamp'; readonly clamp: ClampSpec }
  | { readonly kind: 'unclamp'; readonly clamp: ClampName }
  | {
      readonly kind: 'accept';
      readonly interface: string;
      readonly entries: readonly AcceptedEntry[];
      readonly directors: readonly IpAddress[];
    }
  /** The last entry takes the program with it. */
  | { readonly kind: 'refuse'; readonly interface: string; readonly entry: AcceptedEntry }
  | { readonly kind: 'refuse-director'; readonly interface: string; readonly director: IpAddress };

/** The rules of one set-up for one family. */
export interface ClampName {
  readonly tool: FirewallTool;
  readonly instance: string;
  readonly family: IpFamily;
}

export interface ClampSpec extends ClampName {
  readonly rules: readonly ClampRule[];
}

export interface ClampRule {
  readonly vips: readonly IpAddress[];
  readonly mss: number;
}

export function hostPrefix(address: IpAddress): string {
  return `${formatIp(address)}/${hostPrefixLength(address)}`;
}

export function hostPrefixLength(address: IpAddress): number {
  return familyOf(address) === 4 ? 32 : 128;
}

export interface Step {
  readonly action: Action;
  /** The actions that undo it, in order. */
  readonly undo: readonly Action[];
}

/** Two actions of one key concern the same thing on the host. */
export function actionKey(action: Action): string {
  switch (action.kind) {
    case 'load-module':
    case 'unload-module':
      return `module ${action.module}`;
    case 'create-tunnel':
    case 'delete-link':
      return `link ${action.interface}`;
    case 'open-gue':
    case 'close-gue':
      return `GUE port ${action.port} over IPv${action.family}`;
    case 'set-link':
      return `state of ${action.interface}`;
    case 'add-address':
    case 'delete-address':
      return `address ${action.address} on ${action.interface}`;
    case 'set-sysctl':
      return `sysctl ${action.path}`;
    case 'clamp':
    case 'unclamp':
      return `clamp ${action.clamp.tool} ${action.clamp.instance} IPv${action.clamp.family}`;
    case 'refuse':
      return `accepted ${entryText(action.entry)} on ${action.interface}`;
    case 'refuse-director':
      return `director ${action.director} on ${action.interface}`;
    default:
      return `program on ${action.interface}`;
  }
}

export function describeAction(action: Action): string {
  switch (action.kind) {
    case 'load-module':
      return `load the kernel module ${action.module}`;
    case 'unload-module':
      return `unload the kernel module ${action.module}`;
    case 'create-tunnel':
      return `create the ${action.tunnel.kind} device ${action.interface}`;
    case 'open-gue':
      return `decapsulate GUE on UDP port ${action.port} over IPv${action.family}`;
    case 'close-gue':
      return `close the GUE port ${action.port} over IPv${action.family}`;
    case 'delete-link':
      return `delete the device ${action.interface}`;
    case 'set-link':
      return `set ${action.interface} ${action.up ? 'up' : 'down'}`;
    case 'add-address':
      return `add ${hostPrefix(action.address)} to ${action.interface}`;
    case 'delete-address':
      return `delete ${hostPrefix(action.address)} from ${action.interface}`;
    case 'set-sysctl':
      return `set ${sysctlText(action.path)} = ${action.value}`;
    case 'clamp':
      return `clamp the MSS of ${action.clamp.rules.map(clampText).join('; of ')} with ${action.clamp.tool}`;
    case 'unclamp':
      return `remove the MSS clamp of IPv${action.clamp.family} with ${action.clamp.tool}`;
    case 'accept':
      return `decapsulate ${kindsText(action.entries)} by XDP on ${action.interface}`;
    case 'refuse':
      return `stop decapsulating ${entryText(action.entry)} by XDP on ${action.interface}`;
    default:
      return `refuse tunnel packets from ${directorText(action.director)} on ${action.interface}`;
  }
}

function clampText({ vips, mss }: ClampRule): string {
  return `${vips.map(formatIp).join(', ')} to ${mss}`;
}

function kindsText(entries: readonly AcceptedEntry[]): string {
  return [...new Set(entries.map(typeText))].join(', ');
}

export function entryText(entry: AcceptedEntry): string {
  return `${typeText(entry)} for ${formatIp(entry.vip)}`;
}

/** Names a director; an unspecified address stands for anyone. */
export function directorText(director: IpAddress): string {
  return BigInt(director) === 0n ? `anyone over IPv${familyOf(director)}` : formatIp(director);
}
