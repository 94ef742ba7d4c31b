import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import type { CulvertConfig } from '../../../src/contract/config/config.ts';

/** Reads YAML as `parseYaml` does, for tests that look at the configuration alone. */
export function parseConfig(text: string, fileName: string): CulvertConfig {
  return parseYaml(text, fileName).config;
}
