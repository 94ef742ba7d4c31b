import { CulvertError } from '../../errors.ts';
import { invalidConfig, type LocatedIssue } from '../load/issue.ts';
import { locationOf } from '../load/location.ts';
import type { CulvertConfig } from '../schema/config.ts';

/** The facts of the machine that a configuration needs. */
export interface HostFacts {
  readonly interfaces: readonly string[];
}

/**
 * Checks what only the machine can say. The simulated plane has a network of its own, so nothing is asked of this one.
 * @throws CulvertError CONFIG_INVALID at the places of the file that the configuration was read from, if it was.
 */
export function validateAgainstHost(config: CulvertConfig, host: HostFacts): void {
  if (config.director.plane === 'simulated') return;
  const issues = interfaceIssues(config, host);
  if (issues.length === 0) return;
  const fileName = locationOf(config.director)?.fileName;
  if (fileName !== undefined) throw invalidConfig(fileName, issues);
  throw new CulvertError('CONFIG_INVALID', issues.map(({ message }) => message).join('\n'));
}

/** The TAP devices of directors (`tapNameOf`). */
const OWN_DEVICES = /^c[av]-/;

function interfaceIssues({ director }: CulvertConfig, host: HostFacts): LocatedIssue[] {
  // VIP traffic comes in by none of these.
  const known = host.interfaces.filter((name) => name !== 'lo' && !OWN_DEVICES.test(name)).join(', ');
  return director.interfaces
    .filter((name) => !host.interfaces.includes(name))
    .map((name) => {
      const found = `director.interface: this machine has no interface '${name}'`;
      return { ...place(director), message: `${found}; allowed: one of ${known}` };
    });
}

function place(part: object): Pick<LocatedIssue, 'fileName' | 'line' | 'column'> {
  return locationOf(part) ?? { line: 1, column: 1 };
}
