// Verifies a real server: reports what is right and what is not.
import { checksumFinding, readChecksumErrors } from '../facts/checksum-errors.ts';
import type { DecapsulationCounts } from '../facts/facts.ts';
import { observe } from '../facts/observe.ts';
import type { InstanceOptions, VerifyOptions } from '../options.ts';
import { requirePrivilege } from '../privilege.ts';
import { readRecord } from '../record/record.ts';
import type { Finding } from './finding.ts';
import { findings } from './findings.ts';

export interface Verification {
  /** True if this host can be a real server for the VIPs; otherwise the command's exit status is 1. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** Counts of what the XDP program has done with tunnel packets. */
  readonly counts: DecapsulationCounts | undefined;
}

/**
 * Inspects the host as it is, however it was set up; changes nothing.
 * @throws CulvertError PERMISSION, because without it firewall and program cannot be seen and would seem to be missing.
 */
export function verifyRealServer(options: VerifyOptions): Verification {
  requirePrivilege('verifying a real server', 'auto');
  const facts = observe(options);
  const found = [...findings(facts, options), checksumFinding(readChecksumErrors())];
  return {
    ok: found.every((finding) => finding.ok),
    findings: found,
    counts: facts.xdp?.counts,
  };
}

/** Returns what set-up recorded for this host; undefined when nothing. */
export function recordedOptions(options: InstanceOptions): VerifyOptions | undefined {
  const record = readRecord(options);
  if (record === undefined) return undefined;
  const { serves, directors, interface: name } = record;
  return { serves, directors, interface: name, instance: options.instance };
}
