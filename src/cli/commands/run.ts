import type { Command } from 'commander';
import { type Context, examples } from '../context.ts';

interface RunOptions {
  readonly config: string;
}

export function register(program: Command, context: Context): void {
  const command = program
    .command('run')
    .description(
      'Run a director in the foreground. SIGHUP applies an edited configuration file; SIGTERM and SIGINT end the ' +
        'process and leave the forwarding as it is (culvert down ends that).',
    )
    .requiredOption('-c, --config <file>', 'the configuration file');
  examples(
    command,
    'culvert run -c /etc/culvert/culvert.yaml',
    'culvert check culvert.yaml && culvert run -c culvert.yaml',
  ).action(async ({ config }: RunOptions) => {
    const { runDirector } = await import('../run-director.ts');
    await runDirector(config, context);
  });
}
