// Finds contradictions between values of a configuration that are each allowed.
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { checkFaults } from './check-contradictions.ts';
import { serviceCollisions } from './collisions.ts';
import { commandFaults } from './command-contradictions.ts';
import { directorFaults } from './director-contradictions.ts';
import { type PartialConfig, partialConfig } from './partial-config.ts';
import { quorumFaults } from './quorum-contradictions.ts';
import { serviceFaults } from './service-contradictions.ts';
import { tunnelFaults } from './tunnel-contradictions.ts';

type Rule = (config: PartialConfig, placeOf: (path: IssuePath) => string) => readonly ConfigIssue[];

/** The rules of each subject. They are silent about values that are missing or wrong, which the schema reports. */
const RULES: readonly Rule[] = [
  directorFaults,
  tunnelFaults,
  commandFaults,
  serviceFaults,
  quorumFaults,
  serviceCollisions,
  checkFaults,
];

/**
 * Returns the faults between values that are each allowed.
 * @param written the values of a configuration, those that the schema refuses marked as `WRONG`
 * @param placeOf names the place of a value, `line 7` say, in messages about another one
 */
export function findContradictions(written: unknown, placeOf: (path: IssuePath) => string): ConfigIssue[] {
  const config = partialConfig(written);
  return RULES.flatMap((rule) => rule(config, placeOf));
}
