import * as fc from 'fast-check';
import { anyConfig } from './random-config.ts';

const JUNK = [
  'nonsense',
  'nonsense 1 2',
  'nonsense {\n}',
  'nonsense {\n weight 3\n}',
  'nonsense\n{\n quorum 2\n}',
  '// out',
  '//real_server 198.51.100.9 80 {',
  'persistence_timeout 10x',
  'quorum 0',
  'quorum 2x',
  'weight 5x',
  'weight -1',
  'lvs_sched fastest',
  'lvs_method TUN type vxlan',
  'protocol HTTP',
  'nb_get_retry 3',
  'sorry_server_inhibit',
  'retry 0',
  'delay_loop 0',
  'connect_timeout 5000',
  'alpha maybe',
  'inhibit_on_failure maybe',
  'TCP_CHECK {\n}',
  'MISC_CHECK {\n}',
  'real_server 10.0.0.77 {\n}',
  'real_server 10.0.0.1 {\n}',
  '{',
  '}',
];
const WORDS =
  '0 1 -1 +5 70000 4294967296 1.5 .5 x on off TUN weight 10.0.0.1 2001:db8::1 "a" 7x -0 1.23456789'.split(
    ' ',
  );

/** Something that is wrong in a file, or may be. */
type Fault = (lines: readonly string[]) => readonly string[];

const place = fc.nat();
const inserted = fc.tuple(place, fc.constantFrom(...JUNK)).map(
  ([at, junk]): Fault =>
    (lines) =>
      lines.toSpliced(at % lines.length, 0, junk),
);
const removed = place.map(
  (at): Fault =>
    (lines) =>
      lines.toSpliced(at % lines.length, 1),
);
const twice = place.map(
  (at): Fault =>
    (lines) =>
      lines.toSpliced(at % lines.length, 0, lines[at % lines.length] ?? ''),
);
const withoutBrace = place.map(
  (at): Fault =>
    (lines) => {
      const braces = lines.flatMap((line, index) => (/[{}]$/.test(line) ? [index] : []));
      const chosen = braces[at % Math.max(1, braces.length)] ?? 0;
      return lines.with(chosen, (lines[chosen] ?? '').replace(/[{}]$/, ''));
    },
);
const otherWord = fc.tuple(place, place, fc.constantFrom(...WORDS)).map(
  ([at, which, word]): Fault =>
    (lines) => {
      const line = lines[at % lines.length] ?? '';
      // What is in quotation marks is another program's.
      const words = [...line.matchAll(/(?<![^\s])[^\s"'{}]+(?![^\s])/g)];
      const chosen = words[which % Math.max(1, words.length)];
      if (chosen === undefined) return lines;
      const end = chosen.index + chosen[0].length;
      return lines.with(at % lines.length, line.slice(0, chosen.index) + word + line.slice(end));
    },
);

/** Configurations with one to four faults. */
export const anyFaultyText: fc.Arbitrary<string> = fc
  .tuple(
    anyConfig,
    fc.array(fc.oneof(inserted, inserted, removed, twice, withoutBrace, otherWord), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([{ keepalived }, faults]) =>
    faults.reduce<readonly string[]>((lines, fault) => fault(lines), keepalived.split('\n')).join('\n'),
  );
