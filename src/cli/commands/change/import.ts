// `culvert import`: prints a keepalived.conf as culvert's YAML.
import type { Command } from 'commander';
import { type Context, examples, print } from '../../command-context.ts';
import {
  directorSettings,
  type KeepalivedOptions,
  keepalivedOptions,
  warnOn,
} from '../../options/config-options.ts';

export function register(program: Command, context: Context): void {
  const command = keepalivedOptions(program.command('import'))
    .description(
      "Print a keepalived.conf as culvert's YAML. Reports an error with its line for anything that culvert does not support, and a warning for anything that it does not need or that keepalived ignores.",
    )
    .argument('<file>', 'the keepalived.conf');
  examples(
    command,
    'culvert import /etc/keepalived/keepalived.conf --interface eth0 > culvert.yaml',
    'culvert import keepalived.conf --interface eth0 --config-id lb1 --set timeouts.tcp=1h',
  ).action((file: string, options: KeepalivedOptions) => importFile(file, options, context));
}

async function importFile(file: string, options: KeepalivedOptions, context: Context): Promise<void> {
  const { hostname } = await import('node:os');
  const { readConfigFile } = await import('../../../config/load/load-config.ts');
  const { configIdOf, routesFor } = await import('../../../config/load/parse-text.ts');
  const { parseKeepalivedConfig } = await import('../../../config/keepalived/parse-keepalived-config.ts');
  const { printYaml } = await import('../../../config/keepalived/print-yaml.ts');
  const { configId = configIdOf(hostname()) } = options;
  const director = directorSettings(options);
  const { thisHost: lookup } = await import('../../../config/host/this-host.ts');
  const text = await readConfigFile(file);
  const interfacesTo = await routesFor(text, file, { format: 'keepalived', director });
  const routes = interfacesTo === undefined ? {} : { interfacesTo };
  const how = { configId, director, lookup, environment: process.env, ...routes };
  const translated = parseKeepalivedConfig(text, file, how);
  const warn = warnOn(context);
  for (const warning of translated.warnings) warn(warning);
  const { stdout } = context.raw;
  const yaml = printYaml(translated, file);
  // A file gets the bytes unchanged; on a terminal control characters are removed.
  if ('isTTY' in stdout && stdout.isTTY === true) print(context, yaml);
  else stdout.write(yaml);
}
