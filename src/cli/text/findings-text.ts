// The findings of `realserver verify` as text.
import type { Finding } from '../../realserver/verify/finding.ts';
import type { Style } from '../tables/style.ts';

/** Renders the findings line by line, with the fix below each failed one. */
export function findingsText(findings: readonly Finding[], style: Style): string {
  const width = Math.max(0, ...findings.map((finding) => finding.check.length));
  return findings.map((finding) => findingLines(finding, width, style)).join('');
}

function findingLines({ check, ok, found, expected, remedy }: Finding, width: number, style: Style): string {
  const state = ok ? style('green', 'ok  ') : style('red', 'FAIL');
  const line = `${state}  ${check.padEnd(width)}  ${found}`;
  if (ok) return `${line}\n`;
  const indent = ' '.repeat('FAIL'.length + width + 4);
  const fix = remedy === '' ? '' : `${indent}fix: ${remedy}\n`;
  return `${line}\n${indent}expected: ${expected}\n${fix}`;
}
