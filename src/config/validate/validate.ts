// Validates the values of a configuration, from any format.
import type { CulvertConfig } from '../../contract/config/config.ts';
import { configSchema } from '../../contract/config/config-schema.ts';
import { fillIn } from '../defaults/fill-in.ts';
import { bfdFaults } from '../rules/bfd-contradictions.ts';
import { checkFaults } from '../rules/check-contradictions.ts';
import { serviceCollisions } from '../rules/collisions.ts';
import { commandFaults } from '../rules/command-contradictions.ts';
import { directorFaults } from '../rules/director-contradictions.ts';
import { type PartialConfig, partialConfig } from '../rules/partial-config.ts';
import { quorumFaults } from '../rules/quorum-contradictions.ts';
import { serviceFaults } from '../rules/service-contradictions.ts';
import { tunnelFaults } from '../rules/tunnel-contradictions.ts';
import type { ConfigIssue, IssuePath } from './issue.ts';
import { describeSchemaIssues } from './schema-issues.ts';

/** The result of validating the plain values of a configuration, from any format. */
export interface Validated {
  /** The configuration; undefined where values are not even of the right types. There are issues then. */
  readonly config: CulvertConfig | undefined;
  readonly issues: readonly ConfigIssue[];
}

type Rule = (config: PartialConfig, placeOf: (path: IssuePath) => string) => readonly ConfigIssue[];

/** The rules of each subject: contradictions between values that are each allowed. They are silent about values that are missing or wrong, which the schema reports. */
const RULES: readonly Rule[] = [
  directorFaults,
  tunnelFaults,
  commandFaults,
  serviceFaults,
  quorumFaults,
  serviceCollisions,
  checkFaults,
];

/** `placeOf` names the place of a value, `line 7` say, in messages about another one. */
export function validateConfig(value: unknown, placeOf: (path: IssuePath) => string): Validated {
  const checked = configSchema.safeParse(value);
  const faults = describeSchemaIssues(checked.error?.issues ?? [], value);
  const wrong = faults.flatMap((fault) => (fault.wrong === undefined ? [] : [fault.wrong]));
  const written = partialConfig(value, wrong);
  const issues = [...faults, ...RULES.flatMap((rule) => rule(written, placeOf))];
  if (!checked.success || issues.length > 0) return { config: undefined, issues };
  const config = fillIn(checked.data);
  const atOdds = bfdFaults(config, placeOf);
  return atOdds.length === 0 ? { config, issues } : { config: undefined, issues: atOdds };
}
