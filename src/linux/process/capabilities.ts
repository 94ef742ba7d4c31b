// The capabilities of this process.
import { readFileSync } from 'node:fs';
import { CulvertError } from '../../errors.ts';

/** Numbers of include/uapi/linux/capability.h. */
const CAPABILITIES = {
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof CAPABILITIES;

/** Lists of alternatives: one capability of each inner list is enough. */
export type Capabilities = readonly (readonly Capability[])[];

/** The capabilities to load and attach an XDP program. Without CAP_PERFMON the verifier forbids it to compare pointers. */
export const XDP_CAPABILITIES: Capabilities = [
  ['CAP_NET_ADMIN'],
  ['CAP_BPF', 'CAP_SYS_ADMIN'],
  ['CAP_PERFMON', 'CAP_SYS_ADMIN'],
];

/** The capabilities that a data plane in the kernel needs: XDP, raw sockets for the slow path, and the network namespace of the checks. */
export const PLANE_CAPABILITIES: Capabilities = [...XDP_CAPABILITIES, ['CAP_NET_RAW'], ['CAP_SYS_ADMIN']];

/** Reasons for capabilities whose names do not explain them. */
const WHY: Partial<Readonly<Record<Capability, string>>> = {
  CAP_SYS_ADMIN: ' (for the network namespace that health checks run in)',
};

/** Returns the capabilities that this process lacks, as text: `CAP_BPF (or CAP_SYS_ADMIN)`. */
export function missingCapabilities(
  wanted: Capabilities = PLANE_CAPABILITIES,
  status: string = readFileSync('/proc/self/status', 'utf8'),
): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const holds = (capability: Capability): boolean =>
    (effective >> BigInt(CAPABILITIES[capability])) % 2n === 1n;
  return wanted
    .filter((alternatives) => !alternatives.some(holds))
    .map(([first, ...others]) => {
      const why = (first && WHY[first]) ?? '';
      return others.length === 0 ? `${first}${why}` : `${first} (or ${others.join(' or ')})`;
    });
}

/** @throws CulvertError PERMISSION that names what is missing. */
export function requireCapabilities(purpose: string, wanted: Capabilities = PLANE_CAPABILITIES): void {
  const missing = missingCapabilities(wanted);
  if (missing.length === 0) return;
  throw new CulvertError(
    'PERMISSION',
    `${purpose} needs ${missing.join(' and ')}. fix: run as root, or give the process these capabilities`,
  );
}
