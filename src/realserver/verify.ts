import type { DecapsulationCounts } from './facts.ts';
import type { Finding } from './finding.ts';
import { findings } from './findings.ts';
import { observe } from './observe.ts';
import type { VerifyOptions } from './options.ts';

export interface Verification {
  /** Whether this host can be a real server for the VIPs; the command's exit status is 1 where it cannot. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** What the XDP program did with tunnel packets so far. */
  readonly counts: DecapsulationCounts | undefined;
}

/** Looks at the host as it is, however it was set up; changes nothing. */
export function verifyRealServer(options: VerifyOptions): Verification {
  const facts = observe(options);
  const found = findings(facts, options);
  return {
    ok: found.every((finding) => finding.ok),
    findings: found,
    counts: facts.xdp?.counts,
  };
}
