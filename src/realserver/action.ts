import type { Tunnel } from '../forwarding/table.ts';
import type { TunnelSettings } from '../linux/netlink/tunnel.ts';
import { familyOf, formatIp, type IpAddress, type IpFamily } from '../net/ip-address.ts';
import type { FirewallTool, GuePort } from './facts.ts';
import { sysctlText } from './sysctls.ts';

/** One change to the host. Plain data, because what undoes it is kept in the record on disk. */
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
  | { readonly kind: 'clamp' | 'unclamp'; readonly clamp: ClampSpec }
  | {
      readonly kind: 'attach';
      readonly interface: string;
      readonly instance: string;
      readonly vips: readonly IpAddress[];
      readonly directors: readonly IpAddress[];
      readonly tunnel: Tunnel;
    }
  | { readonly kind: 'detach'; readonly instance: string };

export interface ClampSpec {
  readonly tool: FirewallTool;
  readonly instance: string;
  /** All of one family. */
  readonly vips: readonly IpAddress[];
  readonly mss: number;
}

export function clampFamily({ vips }: ClampSpec): IpFamily {
  return vips[0] === undefined ? 4 : familyOf(vips[0]);
}

export function hostPrefix(address: IpAddress): string {
  return `${formatIp(address)}/${hostPrefixLength(address)}`;
}

export function hostPrefixLength(address: IpAddress): number {
  return familyOf(address) === 4 ? 32 : 128;
}

export interface Step {
  readonly action: Action;
  /** What takes it back, in order. */
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
      return `clamp ${action.clamp.tool} ${action.clamp.instance} IPv${clampFamily(action.clamp)}`;
    default:
      return `program ${action.instance}`;
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
      return `take GUE off at UDP port ${action.port} over IPv${action.family}`;
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
      return `clamp the MSS of ${action.clamp.vips.map(formatIp).join(', ')} to ${action.clamp.mss} by ${action.clamp.tool}`;
    case 'unclamp':
      return `take away the MSS clamp of IPv${clampFamily(action.clamp)} by ${action.clamp.tool}`;
    case 'attach':
      return `decapsulate ${action.tunnel.type} by XDP on ${action.interface}`;
    default:
      return `take away the XDP program of ${action.instance}`;
  }
}
