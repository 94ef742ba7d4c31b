// Reads a configuration file as the document that a running director takes.
import type { ApiClient } from '../../api/client/client.ts';
import type { ConfigDocument } from '../../contract/config/config-document.ts';
import type { Context } from '../command-context.ts';
import { type ConfigOptions, loadOptions, warnOn } from './config-options.ts';

/**
 * A configuration file in either format as the document that a running director takes. What a keepalived.conf has no
 * word for, the interface to begin with, stays as the director has it, unless the options say otherwise.
 */
export async function readForDirector(
  file: string,
  { options, client }: { readonly options: ConfigOptions; readonly client: ApiClient },
  context: Context,
): Promise<ConfigDocument> {
  const { loadConfig } = await import('../../config/load/load-config.ts');
  const { documentOf } = await import('../../config/load/loaded-config.ts');
  const { interfaces, interface: name, ...rest } = (await client.config()).config.director;
  const ways = options.interface === undefined ? { interfaces, interface: name } : {};
  const directorDefaults = { ...rest, ...withoutGaps(ways) };
  return documentOf(await loadConfig(file, { ...loadOptions(options, warnOn(context)), directorDefaults }));
}

function withoutGaps(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
