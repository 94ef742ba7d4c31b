import {
  type KeepalivedConfig,
  parseKeepalivedConfig,
} from '../../../../src/config/keepalived/parse-keepalived-config.ts';
import type { Level } from '../../../../src/config/keepalived/text/grammar.ts';
import {
  type ParsedKeepalived,
  parseKeepalived,
} from '../../../../src/config/keepalived/text/parse-statements.ts';
import type { HostLookup } from '../../../../src/config/keepalived/text/place.ts';
import type { ConfigFiles } from '../../../../src/config/keepalived/text/source-files.ts';
import type { Statement } from '../../../../src/config/keepalived/text/statement.ts';
import type { InterfacesTo } from '../../../../src/config/keepalived/values/infer-interface.ts';
import type { CulvertConfig } from '../../../../src/contract/config/config.ts';
import { CulvertError } from '../../../../src/errors.ts';

export const FILE = 'keepalived.conf';

/** A sound file; each case replaces one piece of it. */
export const SOUND = `virtual_server 192.0.2.10 80 {
    delay_loop 6
    lvs_sched wrr
    lvs_method TUN
    protocol TCP
    real_server 10.0.3.2 80 {
        weight 3
        TCP_CHECK {
            connect_timeout 2.5
            retry 3
        }
    }
}
`;

/** Files that exist in the test alone. */
export function filesOf(texts: Readonly<Record<string, string>>): ConfigFiles {
  return {
    read: (path) => {
      const text = texts[path];
      return text === undefined ? { fault: 'there is no such file' } : { text };
    },
    match: (pattern) =>
      pattern.includes('*')
        ? Object.keys(texts).filter((name) => name.startsWith(pattern.slice(0, pattern.indexOf('*'))))
        : [pattern],
    identity: (path) => path,
  };
}

/** Any keyword may have a block here, whatever keepalived makes of it. */
const ANY_LEVEL = new Proxy<Level>(
  {},
  {
    get: () => ({ block: 'skipped' }),
    getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: undefined }),
  },
);

export function parse(
  text: string,
  files: Readonly<Record<string, string>> = {},
  configId = 'lb1',
): ParsedKeepalived {
  return parseKeepalived(
    text,
    { checker: ANY_LEVEL, parent: ANY_LEVEL },
    {
      fileName: FILE,
      configId,
      files: filesOf(files),
      environment: { NAME: 'lb9' },
    },
  );
}

/** Words and blocks without their places. */
export type Plain = readonly [words: readonly string[], body?: readonly Plain[]];

export function plain(statements: readonly Statement[]): Plain[] {
  return statements.map(({ words, body }) => {
    const texts = words.map((word) => word.text);
    return body === undefined ? [texts] : [texts, plain(body)];
  });
}

/** The lines of a file that has no blocks, words joined by blanks. */
export function linesOf(text: string, files: Readonly<Record<string, string>> = {}): string[] {
  const { statements, findings } = parse(text, files);
  if (findings.errors.length > 0) throw new Error(JSON.stringify(findings.errors));
  return statements.map(({ words }) => words.map((word) => word.text).join(' '));
}

interface ReadOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly director?: Readonly<Record<string, unknown>>;
  readonly strict?: boolean;
  readonly lookup?: HostLookup;
  readonly environment?: Readonly<Record<string, string>>;
  readonly interfacesTo?: InterfacesTo;
}

export function read(
  text: string,
  { files = {}, director = { plane: 'simulated' }, ...options }: ReadOptions = {},
): ReadConfig {
  const how = { configId: 'lb1', director, files: filesOf(files), ...options };
  return withConfig(parseKeepalivedConfig(text, FILE, how));
}

export interface ReadConfig extends KeepalivedConfig {
  readonly config: CulvertConfig;
}

export function withConfig(translated: KeepalivedConfig): ReadConfig {
  return { ...translated, config: translated.loaded.config };
}

/** The lines of the error that the text is refused with. */
export function errorsOf(text: string, options: ReadOptions = {}): string[] {
  try {
    read(text, options);
  } catch (error) {
    if (error instanceof CulvertError && error.code === 'CONFIG_INVALID') return error.message.split('\n');
    throw error;
  }
  throw new Error('the configuration was accepted');
}
