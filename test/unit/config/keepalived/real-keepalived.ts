import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseKeepalived } from '../../../../src/config/keepalived/text/parse-statements.ts';
import type { Statement } from '../../../../src/config/keepalived/text/statement.ts';
import { GRAMMARS, translate } from '../../../../src/config/keepalived/translate.ts';

/** The real keepalived, asked by `keepalived -t`, which reads a file and ends; and the samples of Debian's package. */
const version = spawnSync('keepalived', ['--version'], { encoding: 'utf8' }).stderr ?? '';
export const needed = 'needs keepalived 2.2.7 as root (Debian package keepalived)';
export const runs: boolean = version.includes('v2.2.7') && process.getuid?.() === 0;

const DIRECTORY = '/usr/share/doc/keepalived/samples';
/** By their names, without what they have in common. */
export const samples: ReadonlyMap<string, string> = new Map(
  (existsSync(DIRECTORY) ? readdirSync(DIRECTORY) : [])
    .filter((name) => name.startsWith('keepalived.conf.'))
    .map((name) => [name.slice('keepalived.conf.'.length), join(DIRECTORY, name)]),
);

/** A file of a text for as long as it is needed. */
export function temporaryFile(text: string): { path: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-keepalived-'));
  const path = join(directory, 'keepalived.conf');
  writeFileSync(path, text);
  return { path, [Symbol.dispose]: (): void => rmSync(directory, { recursive: true }) };
}

export interface Verdict {
  /** Null where keepalived crashed. */
  readonly status: number | null;
  readonly said: string;
}

export function judgementOf(path: string): Verdict {
  const { status, stderr } = spawnSync('keepalived', ['-t', '-i', 'lb1', '-f', path], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, said: stderr };
}

export interface Complaint {
  readonly line: number;
  readonly text: string;
}

/** What keepalived says of words and braces; it has more to say about this machine. */
export function complaintsOf(path: string): Complaint[] {
  const found = [
    ...judgementOf(path).said.matchAll(
      /^\((?:[^\s()]+: )?Line (\d+)\) (Unknown keyword .*|Extra .*|Unexpected .*|Missing .*)$/gm,
    ),
  ];
  const complaints = found.map(([, line, text = '']) => ({ line: Number(line), text }));
  // Each of its processes reads the file and complains.
  const unique = new Map(complaints.map((complaint) => [`${complaint.line} ${complaint.text}`, complaint]));
  return [...unique.values()];
}

export interface Judged {
  readonly statements: readonly Statement[];
  readonly lines: readonly number[];
}

/** The same of culvert's reader: lines with unknown words, or with braces that do not fit. */
export function judge(path: string): Judged {
  const parsed = parseKeepalived(readFileSync(path, 'utf8'), GRAMMARS, { fileName: path, configId: 'lb1' });
  const { statements, findings } = parsed;
  const structural = new Set(findings.warnings);
  translate(parsed, findings);
  const about = findings.warnings.filter(
    (issue) => structural.has(issue) || issue.message.startsWith('unknown keyword'),
  );
  return { statements, lines: [...new Set(about.map(({ line }) => line))].sort((a, b) => a - b) };
}
