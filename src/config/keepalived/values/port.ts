// Ports behind the addresses of servers.
import { isIP } from 'node:net';
import { ADDRESS } from '../../../contract/values/fields.ts';
import { describeFound } from '../../validate/issue.ts';
import type { Word } from '../text/cut-words.ts';
import type { Findings } from '../text/place.ts';
import { keywordOf, type Statement } from '../text/statement.ts';
import { readCNumber } from './c-number.ts';

/** A port behind the address of a server, and where it stands. */
export interface WrittenPort {
  readonly value: number;
  readonly word: Word;
}

/** 0 for all ports, which is also what no port at all means; undefined, with a warning, for what is none. */
export function readPort(
  word: Word | undefined,
  { statement, skipped }: { statement: Statement; skipped: string },
  findings: Findings,
): number | undefined {
  if (word === undefined || /^0*$/.test(word.text)) return 0;
  const { value, fault } = readCNumber(word.text, { from: 1, to: 65_535 }, { lenient: true });
  const allowed = 'a port from 1 to 65535, or 0 for all';
  const message = `${keywordOf(statement)}: found ${describeFound(word.text)}; allowed: ${allowed}`;
  if (value === undefined) findings.complain(word.place, `${message}; ${skipped}`);
  else if (fault !== undefined)
    findings.complain(word.place, `${message}; read as ${value}, as in keepalived`);
  return value;
}

/** Returns the port of a real server; undefined where it is the service's, or where there is none. */
export function ownPort(value: number, word: Word | undefined): WrittenPort | undefined {
  return value === 0 || word === undefined ? undefined : { value, word };
}

/** keepalived takes no notice of a prefix or a range behind the address of a server. */
export function readAddress(
  word: Word,
  { statement, skipped }: { statement: Statement; skipped: string },
  findings: Findings,
): Word | undefined {
  const [text = ''] = word.text.split(/[-/]/);
  if (isIP(text) === 0) {
    const found = describeFound(word.text);
    findings.complain(word.place, `${keywordOf(statement)}: found ${found}; allowed: ${ADDRESS}; ${skipped}`);
    return undefined;
  }
  if (text !== word.text)
    findings.warn(
      word.place,
      `${keywordOf(statement)}: found ${describeFound(word.text)}; read as ${text}, as in keepalived`,
    );
  return { ...word, text };
}

/** A tunnel leaves the port as it is. */
export function tellOtherPort(
  port: WrittenPort,
  servicePort: number,
  keyword: string,
  findings: Findings,
): void {
  if (servicePort !== 0 && port.value !== servicePort)
    findings.complain(
      port.word.place,
      `${keyword}: a tunnel does not change the port, so ${servicePort} is used instead of port ${port.value}, as in keepalived`,
    );
}
