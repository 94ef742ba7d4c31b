// `culvert run`: runs a director in the foreground.
import type { Command } from 'commander';
import { type Context, examples } from '../../command-context.ts';
import { type ConfigOptions, configOptions } from '../../options/config-options.ts';

interface RunOptions extends ConfigOptions {
  readonly config: string;
}

export function register(program: Command, context: Context): void {
  const command = configOptions(program.command('run'))
    .description(
      'Run a director in the foreground. SIGHUP applies an edited configuration file. SIGTERM and SIGINT end the ' +
        'process; forwarding continues until `culvert down`.',
    )
    .requiredOption('-c, --config <file>', 'the configuration file');
  examples(
    command,
    'culvert run -c /etc/culvert/culvert.yaml',
    'culvert check culvert.yaml && culvert run -c culvert.yaml',
    'culvert run -c /etc/keepalived/keepalived.conf --interface eth0',
  ).action(async ({ config, ...options }: RunOptions) => {
    const { runDirector } = await import('../../steps/run-director.ts');
    await runDirector({ path: config, options }, context);
  });
}
