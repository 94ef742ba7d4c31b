// What ipvsadm was recorded to do to kernel IPVS, done to a running director: the same words, columns and statuses.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdmOutcome, type AdmStep, readAdmGolden, wordsOf } from '../../golden/ipvsadm/golden.ts';
import { AdmDirector } from './director.ts';

let director: AdmDirector;

beforeAll(async () => {
  director = await AdmDirector.start();
});
afterAll(() => director[Symbol.asyncDispose]());

describe.each(['edits', 'listing', 'restore'] as const)('%s', (set) => {
  test.each(readAdmGolden(set).scenarios)('$name', async ({ steps }) => {
    await director.ipvsadm(['-C']);
    await director.ipvsadm(['--set', '900', '120', '300']);
    const outcomes: object[] = [];
    const recorded: object[] = [];
    const absent: string[] = [];
    for (const step of steps) {
      if (!('run' in step) || isAboutAbsent(step.run, absent)) continue;
      const outcome = await director.ipvsadm(wordsOf(step.run), step.stdin);
      const isRefused = /culvert (does not support|has no)/.test(outcome.stderr ?? '');
      if (isRefused) absent.push(/ -r ([\d.]+)/.exec(step.run)?.[1] ?? '');
      outcomes.push({ run: step.run, ...comparable(outcome, step.run) });
      recorded.push({
        run: step.run,
        ...(isRefused ? comparable(outcome, step.run) : expected(step, absent)),
      });
    }
    expect(outcomes).toEqual(recorded);
    expect(absent).toHaveLength(steps.filter((step) => 'run' in step && isForRefusal(step.run)).length);
  });
});

/** What culvert's reals are not: without a tunnel, or of a mark. */
function isForRefusal(run: string): boolean {
  return run.startsWith('-A -f ') || /^-a .* -m$/.test(run) || (/^-a -t \d/.test(run) && !/ -i|-m/.test(run));
}

/** Those that were refused are not there for later steps. */
function isAboutAbsent(run: string, absent: readonly string[]): boolean {
  if (run.startsWith('-A -f ')) return false;
  return (
    / -f \d/.test(run) || (run.startsWith('-e ') && absent.some((address) => run.includes(` -r ${address}`)))
  );
}

function expected(
  { run, status, stdout, stderr }: AdmStep & { run: string },
  absent: readonly string[],
): object {
  const text = stdout === undefined ? '' : withoutAbsent(stdout, absent);
  return comparable(
    {
      ...(status === undefined ? {} : { status }),
      ...(text === '' ? {} : { stdout: text }),
      ...(stderr === undefined ? {} : { stderr }),
    },
    run,
  );
}

/** Without marks, which stand last, and without reals that are not there. */
function withoutAbsent(stdout: string, absent: readonly string[]): string {
  return stdout
    .replace(/^(FWM|-A -f)[^]*/m, '')
    .split(/(?<=\n)/)
    .filter((line) => !absent.some((address) => line.includes(` ${address}:`)))
    .join('');
}

/**
 * culvert's help and version are its own, it saves thresholds, and without sorting the kernel's order is that of its hash
 * table.
 */
function comparable(outcome: AdmOutcome, run: string): AdmOutcome {
  const stdout = outcome.stdout?.replace(/^(-a .*?)( -x \d+)?( -y \d+)?(?= --tun)/gm, '$1');
  if (stdout === undefined) return outcome;
  if (/^ipvsadm v1\.31|^Usage/.test(stdout)) return { ...outcome, stdout: 'its own' };
  return run.includes('--nosort')
    ? { ...outcome, stdout: stdout.split('\n').toSorted().join('\n') }
    : { ...outcome, stdout };
}
