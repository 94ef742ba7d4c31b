// Validates the values of a configuration, from any format.
import type { CulvertConfig } from '../../contract/config/config.ts';
import { configSchema } from '../../contract/config/config-schema.ts';
import { fillIn } from '../defaults/fill-in.ts';
import { bfdFaults } from '../rules/bfd-contradictions.ts';
import { findContradictions } from '../rules/find-contradictions.ts';
import type { ConfigIssue, IssuePath } from './issue.ts';
import { describeSchemaIssues } from './schema-issues.ts';
import { markWrong } from './wrong-values.ts';

/** The result of validating the plain values of a configuration, from any format. */
export interface Validated {
  /** The configuration; undefined where values are not even of the right types. There are issues then. */
  readonly config: CulvertConfig | undefined;
  readonly issues: readonly ConfigIssue[];
}

/** `placeOf` names the place of a value, `line 7` say, in messages about another one. */
export function validateConfig(value: unknown, placeOf: (path: IssuePath) => string): Validated {
  const checked = configSchema.safeParse(value);
  const faults = describeSchemaIssues(checked.error?.issues ?? [], value);
  const wrong = faults.flatMap((fault) => (fault.wrong === undefined ? [] : [fault.wrong]));
  const issues = [...faults, ...findContradictions(markWrong(value, wrong), placeOf)];
  if (!checked.success || issues.length > 0) return { config: undefined, issues };
  const config = fillIn(checked.data);
  const atOdds = bfdFaults(config, placeOf);
  return atOdds.length === 0 ? { config, issues } : { config: undefined, issues: atOdds };
}
