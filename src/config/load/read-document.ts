// Reads a configuration from the values of a document.
import { CulvertError } from '../../errors.ts';
import { type ConfigIssue, formatPath } from '../validate/issue.ts';
import { validateConfig } from '../validate/validate.ts';
import { documentParts, type LoadedConfig, loadedConfig } from './loaded-config.ts';
import { rereadDocument } from './reread-document.ts';

/**
 * Reads a configuration from the values that a `ConfigDocument` has.
 * @param previous One that it may differ little from; what is the same in both is the same object.
 * @throws CulvertError CONFIG_INVALID with one line for each error, which begins with its path: a document has no lines.
 */
export function readDocument(value: unknown, previous?: LoadedConfig): LoadedConfig {
  const reread = previous && rereadDocument(previous, value);
  if (reread !== undefined) return reread;
  const { config, issues } = validateConfig(value, formatPath);
  if (config === undefined) throw invalidDocument(issues);
  return loadedConfig(config, documentParts(value));
}

const MAX_REPORTED = 100;

function invalidDocument(issues: readonly ConfigIssue[]): CulvertError {
  const lines = issues.map(({ path, message }) => {
    const place = formatPath(path);
    return place === '' ? message : `${place}: ${message}`;
  });
  const reported = lines.slice(0, MAX_REPORTED);
  if (lines.length > MAX_REPORTED) reported.push(`... and ${lines.length - MAX_REPORTED} more errors`);
  return new CulvertError('CONFIG_INVALID', reported.join('\n'));
}
