// Reads a text in YAML as a configuration.
import type { CulvertConfig } from '../../contract/config/config.ts';
import type { ConfigDocument } from '../../contract/config/config-document.ts';
import { type ConfigIssue, formatPath, invalidConfig, type LocatedIssue } from '../validate/issue.ts';
import { validateConfig } from '../validate/validate.ts';
import {
  type ConfigLocation,
  type ConfigLocations,
  documentParts,
  type LoadedConfig,
  loadedConfig,
} from './loaded-config.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

/**
 * Reads a configuration from YAML. Pure; see docs/reference/configuration.md for the format.
 * @throws CulvertError CONFIG_INVALID with one line for each error of the file, as far as it can be read.
 */
export function parseYaml(text: string, fileName: string): LoadedConfig {
  const source = readYaml(text);
  const { config, issues } =
    source.value === undefined
      ? { config: undefined, issues: [] }
      : validateConfig(source.value, (path) => `line ${source.locate(path, 'value').line}`);
  const located = [...source.issues, ...issues.map((issue) => locate(issue, source))];
  if (located.length > 0 || config === undefined) throw invalidConfig(fileName, located);
  const locations = locationsOf(config, { source, fileName });
  return { ...loadedConfig(config, documentParts(source.value), locations), text };
}

function locate(issue: ConfigIssue, source: YamlSource): LocatedIssue {
  const place = source.locate(issue.path, issue.atKey === true ? 'key' : 'value');
  const path = formatPath(issue.path);
  return { ...place, message: path === '' ? issue.message : `${path}: ${issue.message}` };
}

function locationsOf(
  config: CulvertConfig,
  { source, fileName }: { source: YamlSource; fileName: string },
): ConfigLocations {
  const at = (path: (string | number)[]): ConfigLocation => ({ fileName, ...source.locate(path, 'value') });
  const { director } = source.value as ConfigDocument;
  return {
    director: at(['director', director['interfaces'] === undefined ? 'interface' : 'interfaces']),
    services: config.services.map((_, index) => at(['services', index, 'vip'])),
  };
}
