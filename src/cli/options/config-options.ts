// The options that say how a configuration file is read.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parse } from 'yaml';
import { CONFIG_FORMATS, type ConfigFormat } from '../../config/load/config-format.ts';
import type { LoadOptions } from '../../config/load/load-config.ts';
import type { Context } from '../command-context.ts';

/** The options for reading a configuration file. */
export interface ConfigOptions extends KeepalivedOptions {
  readonly format?: ConfigFormat;
}

export interface KeepalivedOptions {
  readonly interface?: string;
  readonly set?: Settings;
  readonly configId?: string;
}

type Settings = Readonly<Record<string, unknown>>;

/** The options of commands that read a configuration file in either format. */
export function configOptions(command: Command): Command {
  const format = new Option(
    '--format <format>',
    'format of the file, if neither its extension nor its content shows it',
  );
  return keepalivedOptions(command.addOption(format.choices(CONFIG_FORMATS)));
}

/** Options for settings that a keepalived.conf cannot express. */
export function keepalivedOptions(command: Command): Command {
  return command
    .option('--interface <name>', 'for a keepalived.conf: the interface on which VIP traffic arrives')
    .option(
      '--set <key=value>',
      'for a keepalived.conf: a setting of director, such as hashSeed=... (repeatable)',
      collect,
    )
    .option(
      '--config-id <id>',
      "for a keepalived.conf: what @id lines are compared with (default: the host's name)",
    );
}

export function loadOptions(options: ConfigOptions, onWarning: (warning: string) => void): LoadOptions {
  const { format, configId } = options;
  return {
    ...(format === undefined ? {} : { format }),
    ...(configId === undefined ? {} : { configId }),
    director: directorSettings(options),
    onWarning,
  };
}

export function directorSettings(options: KeepalivedOptions): Settings {
  const { interface: name, set = {} } = options;
  return name === undefined ? set : { ...set, interface: name };
}

/** Returns a function that prints warnings to people; `run` logs its warnings instead. */
export function warnOn({ stderr }: Context): (warning: string) => void {
  return (warning) => stderr.write(`culvert: warning: ${warning}\n`);
}

/** `timeouts.tcp=15m` is a value in a mapping of its own; the value is read as YAML reads it. */
function collect(text: string, former: Settings = {}): Settings {
  const [, path = '', value = ''] = /^([A-Za-z]+(?:\.[A-Za-z]+)?)=(.+)$/.exec(text) ?? [];
  const [key = '', inner] = path.split('.');
  if (key === '')
    throw new InvalidArgumentError('It must be KEY=VALUE, such as hashSeed=... or timeouts.tcp=15m.');
  const plain = readValue(value);
  const mapping = former[key] as Settings | undefined;
  return { ...former, [key]: inner === undefined ? plain : { ...mapping, [inner]: plain } };
}

function readValue(text: string): unknown {
  // All digits would be a number to YAML, and a hash seed is a text.
  if (/^\d{16,}$/.test(text)) return text;
  try {
    return parse(text) as unknown;
  } catch {
    throw new InvalidArgumentError(`The value ${text} cannot be parsed. Put quotes around it.`);
  }
}
