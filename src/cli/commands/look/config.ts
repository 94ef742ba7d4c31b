// `culvert config schema`: prints the JSON Schema of the configuration file.
import type { Command } from 'commander';
import { type Context, examples, printJson } from '../../command-context.ts';

export function register(program: Command, context: Context): void {
  const config = program
    .command('config')
    .description('Print the JSON Schema of the configuration file, for editors.');
  examples(config, 'culvert config schema > culvert.schema.json');
  const schema = config
    .command('schema')
    .description(
      'Print the JSON Schema of the configuration file (YAML). Editors complete and check a file by it that begins with the line "# yaml-language-server: $schema=culvert.schema.json".',
    );
  examples(schema, 'culvert config schema > culvert.schema.json').action(async () => {
    const { configJsonSchema } = await import('../../../contract/reference.ts');
    printJson(context, configJsonSchema());
  });
}
