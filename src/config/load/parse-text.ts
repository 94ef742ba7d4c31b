// Reads a text as a configuration in either format.
import { thisHost } from '../host/this-host.ts';
import { parseKeepalivedConfig } from '../keepalived/parse-keepalived-config.ts';
import type { InterfacesTo } from '../keepalived/values/infer-interface.ts';
import { type ConfigFormat, recogniseFormat } from './config-format.ts';
import type { LoadedConfig } from './loaded-config.ts';
import { parseYaml } from './parse-yaml.ts';

/** The options for reading a file. The values are plain, as another process may read it. */
export interface FormatOptions {
  /** Recognised by extension or content when left out. */
  readonly format?: ConfigFormat;
  /** For a keepalived.conf only: see `KeepalivedOptions`. */
  readonly director?: Readonly<Record<string, unknown>>;
  readonly directorDefaults?: Readonly<Record<string, unknown>>;
  readonly configId?: string;
  /** True if what keepalived logs and ignores is an error. */
  readonly strict?: boolean;
  /** False: the users of this machine say nothing of the file, which is for another. */
  readonly host?: boolean;
  /** The interface that was found before: a later route does not move what is running. */
  readonly reachedBy?: string;
}

export interface ParsedText {
  readonly loaded: LoadedConfig;
  readonly warnings: readonly string[];
}

/** Reads a configuration in either format. @throws CulvertError CONFIG_INVALID. */
export function parseText(
  text: string,
  fileName: string,
  options: FormatOptions & { hostName: string },
  interfacesTo?: InterfacesTo,
): ParsedText {
  const format = options.format ?? recogniseFormat(fileName, text);
  if (format === 'yaml') return { loaded: parseYaml(text, fileName), warnings: unused(options, fileName) };
  const { director = {}, directorDefaults = {}, configId = configIdOf(options.hostName) } = options;
  const { strict = false, host = true } = options;
  return parseKeepalivedConfig(text, fileName, {
    director,
    directorDefaults,
    configId,
    strict,
    environment: process.env,
    ...(host ? { lookup: thisHost } : {}),
    ...(interfacesTo === undefined ? {} : { interfacesTo }),
  });
}

/** keepalived's default for -i. */
export function configIdOf(hostName: string): string {
  return hostName.split('.')[0] ?? '';
}

/** The routes of this machine, for a keepalived.conf that is for it and is read without an interface. */
export async function routesFor(
  text: string,
  fileName: string,
  { format, director, directorDefaults, host = true, reachedBy }: FormatOptions,
): Promise<InterfacesTo | undefined> {
  const settings: Readonly<Record<string, unknown>> = { ...directorDefaults, ...director };
  const isNamed = settings['interface'] !== undefined || settings['interfaces'] !== undefined;
  if (!host || isNamed || settings['plane'] === 'simulated') return undefined;
  if ((format ?? recogniseFormat(fileName, text)) === 'yaml') return undefined;
  if (reachedBy !== undefined) return () => [reachedBy];
  const { interfacesOfRoutes } = await import('../host/host-routes.ts');
  return interfacesOfRoutes;
}

function unused({ director = {}, configId }: FormatOptions, fileName: string): string[] {
  if (Object.keys(director).length === 0 && configId === undefined) return [];
  return [
    `${fileName}: --interface, --set and --config-id are ignored: they apply to a keepalived.conf only`,
  ];
}
