// Validates the values of a configuration, from any format.
import type { CulvertConfig } from '../../contract/config/config.ts';
import { configSchema } from '../../contract/config/config-schema.ts';
import { fillIn } from '../defaults/fill-in.ts';
import { bfdFaults } from '../rules/bfd-contradictions.ts';
import { findContradictions } from '../rules/config-contradictions.ts';
import type { ConfigIssue, IssuePath } from './issue.ts';
import { describeSchemaIssues } from './schema-issues.ts';

/** The result of validating the plain values of a configuration, from any format. */
export interface Validated {
  /** The configuration; undefined where values are not even of the right types. There are issues then. */
  readonly config: CulvertConfig | undefined;
  readonly issues: readonly ConfigIssue[];
}

/** `placeOf` names the place of a value, `line 7` say, in messages about another one. */
export function validateConfig(value: unknown, placeOf: (path: IssuePath) => string): Validated {
  const checked = configSchema.safeParse(value);
  const issues = [
    ...describeSchemaIssues(checked.error?.issues ?? [], value),
    ...findContradictions(value, placeOf),
  ];
  if (!checked.success || issues.length > 0) return { config: undefined, issues };
  const config = fillIn(checked.data);
  const faults = bfdFaults(config, placeOf);
  return faults.length === 0 ? { config, issues } : { config: undefined, issues: faults };
}
