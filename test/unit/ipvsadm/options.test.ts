// What is wrong with a command line is told as ipvsadm tells it.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdmFault } from '../../../src/ipvsadm/parse/ipvsadm-fault.ts';
import { COMMAND_OPTIONS, PLAIN_OPTIONS } from '../../../src/ipvsadm/parse/option-table.ts';
import { parseCommand } from '../../../src/ipvsadm/parse/parse-command.ts';
import { type AdmStep, readAdmGolden, wordsOf } from '../../golden/ipvsadm/golden.ts';
import { GOLDEN_NAMES } from './golden-names.ts';

const { scenarios } = readAdmGolden('options');

/** What the kernel refused, not ipvsadm: no matter of options. */
const OF_THE_TABLE = [
  'Service already exists',
  'Service not defined',
  'No such service',
  'No such destination',
  'Destination already exists',
  'Scheduler or persistence engine not found',
  'Numerical result out of range',
  'Invalid operation.  Possibly wrong module version, address not unicast, ...',
  'Daemon has already run',
  'No daemon is running',
  'No such device',
];

describe.each(scenarios)('$name', ({ steps }) => {
  test.each(steps.filter((step) => 'run' in step))('ipvsadm $run', (step) => {
    expect(outcome(step.run)).toEqual(expected(step));
  });
});

test('no words make it fail', () => {
  const options = Object.entries({ ...COMMAND_OPTIONS, ...PLAIN_OPTIONS }).flatMap(([name, { letters }]) => [
    `--${name}`,
    ...letters.split('').map((letter) => `-${letter}`),
  ]);
  const word = fc.oneof(
    fc.constantFrom(...options),
    fc.constantFrom(
      '192.0.2.10:80',
      '[2001:db8::10]:80',
      '10.0.3.2',
      '1',
      '0',
      'rr',
      'gue',
      'master',
      '--',
      '-',
    ),
    fc.string(),
    fc.tuple(fc.constantFrom(...options), fc.string()).map(([option, value]) => `${option}=${value}`),
    fc.tuple(fc.constantFrom(...options), fc.constantFrom(...options)).map(([a, b]) => `${a}${b.slice(1)}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 9 }), (argv) => {
      const parsed = parseCommand(argv, GOLDEN_NAMES);
      expect(parsed).toHaveProperty(parsed instanceof AdmFault ? 'status' : 'name');
    }),
    { numRuns: 3000 },
  );
});

function outcome(line: string): Pick<AdmStep, 'status' | 'stderr'> {
  const parsed = parseCommand(wordsOf(line), GOLDEN_NAMES);
  return parsed instanceof AdmFault
    ? { status: parsed.status, stderr: `${parsed.message}\n` }
    : { status: 0 };
}

function expected({ status, stderr }: AdmStep): Pick<AdmStep, 'status' | 'stderr'> {
  if (stderr === undefined || OF_THE_TABLE.includes(stderr.trimEnd())) return { status: 0 };
  return { status: status ?? 0, stderr };
}
