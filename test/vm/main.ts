// Boots stock Debian kernels in QEMU, side by side, and runs the tests of test/vm/vitest.config.ts in each:
//   node test/vm/main.ts [--kernel 6.1] [--budget-seconds 540] [part of a test file's name]...
// What does not run within the budget counts as skipped.
// With --record the guests play the scenarios of test/vm/guest/ipvs/scenarios instead, and test/golden/ipvs is written
// anew from what the kernels do:
//   node test/vm/main.ts --record [part of a file's name]...
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runGuest } from './guest.ts';
import { Recording } from './recording.ts';
import type { Report } from './report.ts';

const KERNELS = ['6.1', '6.12'] as const;
const DIRECTORY = 'build/vm';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: 'string', multiple: true, default: [...KERNELS] },
    'budget-seconds': { type: 'string', default: '1500' },
    record: { type: 'boolean', default: false },
  },
});

// An ended runner takes its guests along.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const counts = { passed: 0, failed: 0, skipped: 0 };
const recording = new Recording();

await Promise.all(values.kernel.map(runKernel));
if (values.record && counts.failed + counts.skipped === 0)
  console.log(`written: ${recording.write().join(', ')}`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 && counts.passed + counts.skipped > 0 ? 0 : 1;

async function runKernel(series: string): Promise<void> {
  const kernel = resolve(DIRECTORY, series);
  const label = `Linux ${series}`;
  if (!existsSync(join(kernel, 'release'))) {
    counts.skipped++;
    console.log(`- ${label}: skipped: ${whyMissing(kernel)}`);
    return;
  }
  const limitMs = 1000 * Number(values['budget-seconds']);
  const job = values.record ? 'record' : 'test';
  const options = { kernel, checkout: process.cwd(), job, tests: positionals, limitMs } as const;
  const { failure, cutShort, durationMs } = await runGuest(options, (report) => take(series, report));
  if (cutShort) {
    counts.skipped++;
    console.log(`- ${label}: skipped: what had not run within ${values['budget-seconds']} s`);
  } else if (failure !== undefined) {
    counts.failed++;
    console.log(`✗ ${label}: the guest did not come to its end\n${indented(failure)}`);
  }
  console.log(`${label} took ${(durationMs / 1000).toFixed(1)} s`);
}

function whyMissing(kernel: string): string {
  const reason = join(kernel, 'missing');
  return existsSync(reason) ? readFileSync(reason, 'utf8').trim() : 'scripts/setup-vm.sh has not fetched it';
}

function take(series: string, report: Report): void {
  if (report.kind === 'test') printTest(series, report);
  if (report.kind !== 'recorded') return;
  recording.add(series, report);
  counts.passed++;
  console.log(`✓ Linux ${series} ${report.set}: ${report.entry.name} (${report.durationMs} ms)`);
}

function printTest(series: string, report: Extract<Report, { readonly kind: 'test' }>): void {
  const { state, file, name, durationMs, errors } = report;
  counts[state]++;
  const sign = { passed: '✓', failed: '✗', skipped: '-' }[state];
  console.log(`${sign} Linux ${series} ${file}: ${name} (${durationMs} ms)`);
  for (const error of errors) console.log(indented(error));
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}
