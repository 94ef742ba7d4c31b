// Reads a keepalived.conf as a configuration of culvert.
import { documentParts, type LoadedConfig, loadedConfig } from '../load/loaded-config.ts';
import {
  type ConfigIssue,
  type IssuePath,
  invalidConfig,
  issueLines,
  type LocatedIssue,
} from '../validate/issue.ts';
import { validateConfig } from '../validate/validate.ts';
import { parseKeepalived } from './text/parse-statements.ts';
import { type Findings, type HostLookup, isSamePlace, type Place } from './text/place.ts';
import type { ConfigFiles } from './text/source-files.ts';
import type { Statement } from './text/statement.ts';
import { GRAMMARS, type Translated, translate } from './translate.ts';
import { type InterfacesTo, inferInterface } from './values/infer-interface.ts';
import { checkVrrp } from './vrrp/vrrp-contradictions.ts';
import { readVrrpInstances, withClaims } from './vrrp/vrrp-instances.ts';

export interface KeepalivedOptions {
  /** The value that `@id` conditions are compared with (keepalived's -i); defaults to the first part of the host's name. */
  readonly configId: string;
  /** Settings of `director` in culvert's words: keepalived.conf has none for them. They go before what it does say. */
  readonly director?: Readonly<Record<string, unknown>>;
  /** The same for what neither the file nor `director` says. */
  readonly directorDefaults?: Readonly<Record<string, unknown>>;
  readonly files?: ConfigFiles;
  /** Values for `${_ENV NAME}`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** True if what keepalived logs and ignores is an error. */
  readonly strict?: boolean;
  readonly lookup?: HostLookup;
  /** The routes of this machine, where nobody names the interface. */
  readonly interfacesTo?: InterfacesTo;
}

export interface KeepalivedConfig {
  readonly loaded: LoadedConfig;
  /** A warning for each thing in the file that culvert does not use, one line with its place. */
  readonly warnings: readonly string[];
  /** The values in the form of culvert's YAML. */
  readonly plain: PlainConfig;
  /** The place of each service of `plain`. */
  readonly places: readonly (Place | undefined)[];
}

export interface PlainConfig {
  readonly director: Readonly<Record<string, unknown>>;
  readonly services: Translated['services'];
}

/**
 * Reads a keepalived.conf as a configuration of culvert; see docs/reference/keepalived.md.
 * @throws CulvertError CONFIG_INVALID with one line for each error, and for each thing that culvert does not support.
 */
export function parseKeepalivedConfig(
  text: string,
  fileName: string,
  options: KeepalivedOptions,
): KeepalivedConfig {
  const parsed = parseKeepalived(text, GRAMMARS, { fileName, ...options });
  const { findings, isWhole } = parsed;
  if (!isWhole) throw invalidConfig(fileName, findings.errors);
  const translated = translate(parsed, findings);
  const director = withInterface(parsed.statements, translated, { fileName, findings, options });
  const { services: read } = translated;
  const instances = readVrrpInstances(parsed.statements);
  const services = director['claim'] === undefined ? withClaims(instances, read) : read;
  const plain = { director, services };
  const { origins } = translated;
  const places = services.map((_, index) => origins.nearest(['services', index, 'vip'])?.place);
  checkVrrp(instances, { ...plain, places, findings });
  const { config, issues } = validateConfig(
    plain,
    (path) => `line ${origins.nearest(path)?.place.line ?? 1}`,
  );
  const located = issues.map((issue) => locate(issue, { fileName, translated, plain }));
  // Faults already reported in the file's words are not reported again in culvert's.
  const further = located.filter((issue) => !findings.errors.some((told) => isSamePlace(told, issue)));
  const errors = [...findings.errors, ...further];
  if (errors.length > 0 || config === undefined) throw invalidConfig(fileName, errors);
  const locations = { director: { fileName, line: 1, column: 1 }, services: places };
  const loaded = loadedConfig(config, documentParts(plain), locations);
  return { loaded, warnings: issueLines(fileName, findings.warnings, 'warnings'), plain, places };
}

const NO_INTERFACE =
  'neither a vrrp_instance nor a route to the real servers shows on which network interface traffic for virtual addresses arrives; fix: give --interface NAME';

/** The settings of the director, with an interface if it needs one that nobody names. */
function withInterface(
  statements: readonly Statement[],
  { director: own, services, origins }: Translated,
  context: { fileName: string; findings: Findings; options: KeepalivedOptions },
): Readonly<Record<string, unknown>> {
  const { directorDefaults, director: given, interfacesTo } = context.options;
  const director: Record<string, unknown> = { ...directorDefaults, ...own, ...given };
  const isNamed = director['interface'] !== undefined || director['interfaces'] !== undefined;
  if (isNamed || director['plane'] === 'simulated') return director;
  const name = inferInterface(statements, services, { ...context, origins, interfacesTo });
  return name === undefined ? director : { ...director, interface: name };
}

function locate(
  { path, message }: ConfigIssue,
  { fileName, translated, plain }: { fileName: string; translated: Translated; plain: PlainConfig },
): LocatedIssue {
  const origin = translated.origins.nearest(path);
  if (origin !== undefined)
    return { ...origin.place, message: `${origin.keyword}: ${inItsWords(path, message)}` };
  const missing = path.length === 1 && path[0] === 'director' && plain.director['interface'] === undefined;
  const text = missing ? NO_INTERFACE : `--set ${path.slice(1).join('.')}: ${message}`;
  return { fileName, line: 1, column: 1, message: text };
}

/** The value of a check's type is culvert's word, which the file does not have. */
function inItsWords(path: IssuePath, message: string): string {
  const ofCheck = path.at(-1) === 'type' && path.at(-2) === 'check';
  return ofCheck
    ? message.replace(/^found ('\w+')/, 'this version of culvert does not support checks of type $1')
    : message;
}
