import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Report } from './report.ts';

/** A guest that has said nothing for so long hangs: no single test takes as long. */
const SILENCE_MS = 420_000;
const CONSOLE_LINES_SHOWN = 30;
/** Emulated AVX makes Node slower, not faster. */
const MACHINE = [
  '-accel tcg -cpu max,-avx,-avx2 -smp 1 -m 1024 -display none -monitor none -nic none -no-reboot',
  '-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap',
].join(' ');

export interface GuestOptions {
  /** The kernel's directory, as scripts/setup-vm.sh leaves it. */
  readonly kernel: string;
  readonly checkout: string;
  /** Run the tests, or record what IPVS does (test/golden/ipvs). */
  readonly job: 'test' | 'record';
  /** vitest's filters: parts of file names. Of a recording: parts of the sets' names. */
  readonly tests: readonly string[];
  /** It is ended after this. */
  readonly limitMs: number;
}

export interface GuestEnd {
  /** What became of it, when it did not end by itself after its last report. */
  readonly failure: string | undefined;
  /** It was ended at its limit while its tests were still going ahead. */
  readonly cutShort: boolean;
  readonly durationMs: number;
}

/** Boots a guest, which runs the tests and hands over what they report. */
export async function runGuest(options: GuestOptions, listener: (report: Report) => void): Promise<GuestEnd> {
  const startedAt = Date.now();
  const consolePath = join(options.kernel, 'console.log');
  const qemu = spawn('qemu-system-x86_64', qemuArguments(options, consolePath), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complete = false;
  let cutShort = false;
  let lastReportAt = startedAt;
  const said: string[] = [];
  onLine(qemu.stderr, (line) => said.push(line));
  onLine(qemu.stdout, (line) => {
    const report = parseReport(line);
    if (report !== undefined) lastReportAt = Date.now();
    if (report === undefined) said.push(line);
    else if (report.kind === 'end') complete = true;
    else listener(report);
  });
  const end = (): boolean => qemu.kill('SIGKILL');
  const timer = setTimeout(() => {
    cutShort = Date.now() < lastReportAt + SILENCE_MS;
    said.push(`it was ended after ${options.limitMs / 1000} s`);
    end();
  }, options.limitMs);
  process.once('exit', end);
  try {
    await once(qemu, 'close');
  } finally {
    clearTimeout(timer);
    process.off('exit', end);
  }
  const failure = complete ? undefined : [...said, ...lastLines(consolePath)].join('\n');
  return { failure, cutShort, durationMs: Date.now() - startedAt };
}

function qemuArguments({ kernel, checkout, job, tests }: GuestOptions, consolePath: string): string[] {
  const release = readFileSync(join(kernel, 'release'), 'utf8').trim();
  const commandLine = [
    // Nobody attacks a guest, and what keeps attackers out is dear without real hardware.
    'console=ttyS0 quiet panic=-1 mitigations=off',
    `CULVERT_CHECKOUT=${checkout}`,
    `CULVERT_NODE=${dirname(process.execPath)}`,
    `CULVERT_MODULES=${join(kernel, 'lib/modules')}`,
    `CULVERT_JOB=${job}`,
    `CULVERT_TESTS=${tests.join(',')}`,
  ].join(' ');
  const paths = {
    serial: `file:${consolePath}`,
    kernel: join(kernel, 'boot', `vmlinuz-${release}`),
    initrd: join(kernel, 'initramfs'),
    append: commandLine,
  };
  // The order of the serial lines counts: the console is the first one.
  const given = Object.entries(paths).flatMap(([name, value]) => [`-${name}`, value]);
  return [...MACHINE.split(' '), ...given, '-serial', 'stdio'];
}

function onLine(stream: NodeJS.ReadableStream, listener: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', listener);
}

function parseReport(line: string): Report | undefined {
  try {
    return JSON.parse(line) as Report;
  } catch {
    return undefined;
  }
}

function lastLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split(/\r?\n/).slice(-CONSOLE_LINES_SHOWN);
  } catch {
    return [];
  }
}
