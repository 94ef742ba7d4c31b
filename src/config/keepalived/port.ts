import { describeFound } from '../issue.ts';
import type { Findings } from './place.ts';
import { wholeNumber } from './read-values.ts';
import type { Word } from './words.ts';

/** A port behind the address of a server, and where it stands. */
export interface WrittenPort {
  readonly value: number;
  readonly word: Word;
}

/** 0 for all ports, which is also what no port at all means. What is wrong is told. */
export function readPort(word: Word | undefined, keyword: string, findings: Findings): number | undefined {
  if (word === undefined) return 0;
  const port = wholeNumber(word.text, { from: 0, to: 65_535 });
  if (port === undefined)
    findings.error(
      word.place,
      `${keyword}: found ${describeFound(word.text)}; allowed: a port from 1 to 65535, or 0 for all`,
    );
  return port;
}

/** Of a real server; undefined where it is the service's. */
export function readOwnPort(
  word: Word | undefined,
  keyword: string,
  findings: Findings,
): WrittenPort | undefined {
  const value = readPort(word, keyword, findings) ?? 0;
  return value === 0 || word === undefined ? undefined : { value, word };
}

/** A tunnel leaves the port as it is. */
export function tellOtherPort(
  port: WrittenPort,
  servicePort: number,
  keyword: string,
  findings: Findings,
): void {
  if (servicePort !== 0 && port.value !== servicePort)
    findings.warn(
      port.word.place,
      `${keyword}: a tunnel leaves the port as it is, so port ${port.value} is not used but ${servicePort}, as by keepalived`,
    );
}
