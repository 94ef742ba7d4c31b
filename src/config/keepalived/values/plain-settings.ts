// Takes the values out of settings, and notes where each comes from.
import type { IssuePath } from '../../validate/issue.ts';
import type { Origins } from './origins.ts';
import type { Setting } from './read-values.ts';

export type Settings = Readonly<Record<string, Setting<unknown> | undefined>>;

/** The values of those settings that there are, by culvert's names for them; where each comes from is noted. */
export function plainSettings(
  settings: Settings,
  path: IssuePath,
  origins: Origins,
): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings)) {
    if (setting === undefined) continue;
    plain[name] = setting.value;
    origins.set([...path, name], setting.origin);
  }
  return plain;
}
