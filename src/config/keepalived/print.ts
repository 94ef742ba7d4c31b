import { ESCAPED_KEYWORDS, keywordOf, type Statement } from './statement.ts';

/** The statements as a keepalived.conf: reading it gives the same statements again. */
export function printKeepalived(statements: readonly Statement[], indent = ''): string {
  return statements.map((statement) => printStatement(statement, indent)).join('');
}

function printStatement(statement: Statement, indent: string): string {
  const escaped = ESCAPED_KEYWORDS.has(keywordOf(statement));
  const words = statement.words.map(({ text }, index) => {
    if (index === 0) return needsQuotes(text) || /^[@$~]|^include[rmwba]?$/.test(text) ? `"${text}"` : text;
    if (escaped) return escapeWord(text);
    return needsQuotes(text) ? `"${text}"` : text;
  });
  const line = indent + words.join(' ');
  if (statement.body === undefined) return `${line}\n`;
  return `${line} {\n${printKeepalived(statement.body, `${indent}    `)}${indent}}\n`;
}

function needsQuotes(text: string): boolean {
  return text === '' || /[\s{}!#]/.test(text);
}

/**
 * Quotes and dollar signs as octal escapes: keepalived looks for braces and definitions before it reads escapes. Three
 * digits, for a hexadecimal escape goes on for as long as there are digits.
 */
function escapeWord(text: string): string {
  return `"${text.replaceAll(/[\\"'$\p{Cc}]/gu, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  return character === '\\' ? '\\\\' : `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`;
}
