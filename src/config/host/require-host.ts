// Checks what only the machine can say of a configuration: whether its interfaces are there.
import { CulvertError } from '../../errors.ts';
import type { LoadedConfig } from '../load/loaded-config.ts';
import { invalidConfig, type LocatedIssue } from '../validate/issue.ts';

/** The facts of the machine that a configuration needs. */
export interface HostFacts {
  readonly interfaces: readonly string[];
}

/**
 * Checks what only the machine can say. The simulated plane has a network of its own, so nothing is asked of this one.
 * @throws CulvertError CONFIG_INVALID at the places of the file that the configuration was read from, if it was.
 */
export function validateAgainstHost(loaded: LoadedConfig, host: HostFacts): void {
  if (loaded.config.director.plane === 'simulated') return;
  const issues = interfaceIssues(loaded, host);
  if (issues.length === 0) return;
  const fileName = loaded.locations.director?.fileName;
  if (fileName !== undefined) throw invalidConfig(fileName, issues);
  throw new CulvertError('CONFIG_INVALID', issues.map(({ message }) => message).join('\n'));
}

/** The TAP devices of directors (`tapNameOf`). */
const OWN_DEVICES = /^c[av]-/;

function interfaceIssues({ config, locations }: LoadedConfig, host: HostFacts): LocatedIssue[] {
  // VIP traffic comes in by none of these.
  const known = host.interfaces.filter((name) => name !== 'lo' && !OWN_DEVICES.test(name)).join(', ');
  return config.director.interfaces
    .filter((name) => !host.interfaces.includes(name))
    .map((name) => {
      const found = `director.interface: this machine has no interface '${name}'`;
      return {
        ...(locations.director ?? { line: 1, column: 1 }),
        message: `${found}; allowed: one of ${known}`,
      };
    });
}
