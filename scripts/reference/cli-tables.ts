// The tables of docs/reference/cli.md, from the definitions of the commands.
import { Command } from 'commander';
import type { Context } from '../../src/cli/command-context.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { code, type Tables, table } from './page.ts';

export const cliTables: Tables = { commands, options };

async function definedCommands(): Promise<readonly Command[]> {
  const program = new Command('culvert').helpCommand(false);
  for (const { load } of Object.values(COMMANDS)) (await load()).register(program, {} as Context);
  return program.commands;
}

async function commands(): Promise<string> {
  const all = await definedCommands();
  const rows = all.map((command) => [
    code(usageOf(command)),
    /^.*?\.(?= [A-Z`]|$)/.exec(command.description())?.[0] ?? command.description(),
  ]);
  return table(['Command', 'Does'], rows);
}

/** A section for each command that has options of its own: a man page in short. */
async function options(): Promise<string> {
  const sections = (await definedCommands()).flatMap((command) =>
    command.commands.length === 0 ? [command] : command.commands,
  );
  return sections
    .filter((command) => command.options.length > 0)
    .map(sectionOf)
    .join('\n\n');
}

function sectionOf(command: Command): string {
  const rows = command.options.map(({ flags, description, defaultValue, defaultValueDescription }) => {
    const standard = defaultValueDescription ?? (typeof defaultValue === 'string' ? defaultValue : undefined);
    return [code(flags), standard === undefined ? description : `${description} (default: ${standard})`];
  });
  return `### culvert ${usageOf(command)}\n\n${command.description()}\n\n${table(['Option', 'Meaning'], rows)}`;
}

function usageOf(command: Command): string {
  const parent = command.parent?.name() === 'culvert' ? '' : `${command.parent?.name()} `;
  const words = command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? '...' : '');
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  const inner = command.commands.length === 0 ? [] : [command.commands.map((one) => one.name()).join('|')];
  return [parent + command.name(), ...inner, ...words].join(' ');
}
