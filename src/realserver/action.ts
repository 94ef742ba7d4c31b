import { formatIpv4, type Ipv4Address } from '../net/ipv4-address.ts';
import type { FirewallTool } from './facts.ts';
import { sysctlText } from './sysctls.ts';

/** One change to the host. Plain data, because what undoes it is kept in the record on disk. */
export type Action =
  | { readonly kind: 'load-module' | 'unload-module'; readonly module: string }
  | { readonly kind: 'create-tunnel' | 'delete-link'; readonly interface: string }
  | { readonly kind: 'set-link'; readonly interface: string; readonly up: boolean }
  | {
      readonly kind: 'add-address' | 'delete-address';
      readonly interface: string;
      readonly address: Ipv4Address;
    }
  | { readonly kind: 'set-sysctl'; readonly path: string; readonly value: string }
  | { readonly kind: 'clamp' | 'unclamp'; readonly clamp: ClampSpec }
  | {
      readonly kind: 'attach';
      readonly interface: string;
      readonly instance: string;
      readonly vips: readonly Ipv4Address[];
      readonly directors: readonly Ipv4Address[];
    }
  | { readonly kind: 'detach'; readonly instance: string };

export interface ClampSpec {
  readonly tool: FirewallTool;
  readonly instance: string;
  readonly vips: readonly Ipv4Address[];
  readonly mss: number;
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
    case 'set-link':
      return `state of ${action.interface}`;
    case 'add-address':
    case 'delete-address':
      return `address ${action.address} on ${action.interface}`;
    case 'set-sysctl':
      return `sysctl ${action.path}`;
    case 'clamp':
    case 'unclamp':
      return `clamp ${action.clamp.tool} ${action.clamp.instance}`;
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
      return `create the ipip device ${action.interface}`;
    case 'delete-link':
      return `delete the device ${action.interface}`;
    case 'set-link':
      return `set ${action.interface} ${action.up ? 'up' : 'down'}`;
    case 'add-address':
      return `add ${formatIpv4(action.address)}/32 to ${action.interface}`;
    case 'delete-address':
      return `delete ${formatIpv4(action.address)}/32 from ${action.interface}`;
    case 'set-sysctl':
      return `set ${sysctlText(action.path)} = ${action.value}`;
    case 'clamp':
      return `clamp the MSS of ${action.clamp.vips.map(formatIpv4).join(', ')} to ${action.clamp.mss} by ${action.clamp.tool}`;
    case 'unclamp':
      return `take away the MSS clamp by ${action.clamp.tool}`;
    case 'attach':
      return `decapsulate by XDP on ${action.interface}`;
    default:
      return `take away the XDP program of ${action.instance}`;
  }
}
