import type { Finding } from '../realserver/finding.ts';
import type { Style } from './style.ts';

/** What a real server needs, line by line; below what is wrong, how to mend it. */
export function findingsText(findings: readonly Finding[], style: Style): string {
  const width = Math.max(0, ...findings.map((finding) => finding.check.length));
  return findings.map((finding) => findingLines(finding, width, style)).join('');
}

function findingLines({ check, ok, found, expected, remedy }: Finding, width: number, style: Style): string {
  const state = ok ? style('green', 'ok   ') : style('red', 'wrong');
  const line = `${state}  ${check.padEnd(width)}  ${found}`;
  if (ok) return `${line}\n`;
  const indent = ' '.repeat('wrong'.length + width + 4);
  const mend = remedy === '' ? '' : `${indent}mend it: ${remedy}\n`;
  return `${line}\n${indent}expected: ${expected}\n${mend}`;
}
