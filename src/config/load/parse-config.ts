import { field } from '../rules/raw-config.ts';
import type { CulvertConfig } from '../schema/config.ts';
import { rememberDocument } from './document.ts';
import { type ConfigIssue, formatPath, invalidConfig, type LocatedIssue } from './issue.ts';
import { rememberLocation } from './location.ts';
import { validateConfig } from './validate.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

/**
 * Reads a configuration from YAML. Pure; see docs/reference/configuration.md for the format.
 * @throws CulvertError CONFIG_INVALID with one line for each error of the file, as far as it can be read.
 */
export function parseConfig(text: string, fileName: string): CulvertConfig {
  const source = readYaml(text, fileName);
  const { config, issues } = validateConfig(
    source.value,
    (path) => `line ${source.locate(path, 'value').line}`,
  );
  const located = [...source.issues, ...issues.map((issue) => locate(issue, source))];
  if (located.length > 0 || config === undefined) throw invalidConfig(fileName, located);
  rememberDocument(config, source.value);
  rememberLocations(config, { source, fileName });
  return config;
}

function locate(issue: ConfigIssue, source: YamlSource): LocatedIssue {
  const place = source.locate(issue.path, issue.atKey === true ? 'key' : 'value');
  const path = formatPath(issue.path);
  return { ...place, message: path === '' ? issue.message : `${path}: ${issue.message}` };
}

function interfaceKey(config: unknown): string {
  return field(field(config, 'director'), 'interfaces') === undefined ? 'interface' : 'interfaces';
}

function rememberLocations(
  config: CulvertConfig,
  { source, fileName }: { source: YamlSource; fileName: string },
): void {
  const remember = (part: object, path: (string | number)[]): void =>
    rememberLocation(part, { fileName, ...source.locate(path, 'value') });
  remember(config.director, ['director', interfaceKey(source.value)]);
  for (const [index, service] of config.services.entries()) remember(service, ['services', index, 'vip']);
}
