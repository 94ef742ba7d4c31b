// `culvert check`: validates a configuration file.
import type { Command } from 'commander';
import type { CulvertConfig } from '../../../contract/config/config.ts';
import { CulvertError } from '../../../errors.ts';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { type ConfigOptions, configOptions, loadOptions } from '../../options/config-options.ts';

interface CheckOptions extends ConfigOptions {
  readonly json?: true;
  /** False with --no-host. */
  readonly host: boolean;
  readonly strict?: true;
}

export function register(program: Command, context: Context): void {
  const command = configOptions(program.command('check'))
    .description(
      'Validate a configuration file, including against the interfaces and addresses of this machine.',
    )
    .argument('<file>', 'the configuration file')
    .option('--no-host', 'validate the file only, for example for another machine')
    .option('--strict', 'for a keepalived.conf: report as an error what keepalived logs and ignores')
    .option('--json', 'print JSON');
  examples(
    command,
    'culvert check /etc/culvert/culvert.yaml',
    'culvert check --no-host culvert.yaml',
    'culvert check culvert.yaml --json',
    'culvert check keepalived.conf --interface eth0',
    'culvert check keepalived.conf --strict',
  ).action((file: string, options: CheckOptions) => check(file, options, context));
}

async function check(file: string, options: CheckOptions, context: Context): Promise<void> {
  const warnings: string[] = [];
  try {
    const config = await validate(file, options, (warning) => warnings.push(warning));
    const services = config.services.length;
    const reals = config.services.reduce((sum, service) => sum + service.reals.length, 0);
    if (options.json) {
      printJson(context, { file, valid: true, services, reals, errors: [], ...withWarnings(warnings) });
      return;
    }
    for (const warning of warnings) context.stderr.write(`${warning} (warning)\n`);
    print(context, `${file}: valid; services: ${services}, reals: ${reals}\n`);
  } catch (error) {
    if (!(error instanceof CulvertError) || !isRefusal(error)) throw error;
    context.exit(error.exitStatus);
    if (options.json) printJson(context, { file, valid: false, errors: errorsOf(error) });
    // Each line begins with its position, as compilers print it, so that editors can jump to it.
    else context.stderr.write(`${error.code === 'CAPACITY' ? `${file}: ` : ''}${error.message}\n`);
  }
}

function isRefusal({ code }: CulvertError): boolean {
  return code.startsWith('CONFIG_') || code === 'CAPACITY';
}

function withWarnings(warnings: readonly string[]): { warnings?: readonly string[] } {
  return warnings.length === 0 ? {} : { warnings };
}

async function validate(
  file: string,
  options: CheckOptions,
  onWarning: (warning: string) => void,
): Promise<CulvertConfig> {
  const { loadConfig } = await import('../../../config/load/load-config.ts');
  const { strict = false, host } = options;
  const loaded = await loadConfig(file, { ...loadOptions(options, onWarning), strict, host });
  const { config, locations } = loaded;
  const { validateCapacity } = await import('../../../config/host/require-capacity.ts');
  validateCapacity(config);
  if (!options.host) return config;
  const { validateAgainstHost } = await import('../../../config/host/require-host.ts');
  const { readHostFacts } = await import('../../../config/host/host-facts.ts');
  validateAgainstHost(loaded, await readHostFacts());
  const { unknownUsers } = await import('../../../config/host/unknown-users.ts');
  for (const { service, fault } of unknownUsers(config.services)) {
    const { fileName, line, column } = locations.services[config.services.indexOf(service)] ?? {
      fileName: file,
      line: 1,
      column: 1,
    };
    onWarning(`${fileName}:${line}:${column}: commands or checks of this service cannot be run: ${fault}`);
  }
  return config;
}

interface FoundError {
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

function errorsOf(error: CulvertError): FoundError[] {
  return error.message.split('\n').map((text) => {
    const [, line, column, message] = /:(\d+):(\d+): (.*)$/.exec(text) ?? [];
    return line === undefined || column === undefined || message === undefined
      ? { line: null, column: null, message: text }
      : { line: Number(line), column: Number(column), message };
  });
}
