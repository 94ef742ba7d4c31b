import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('./fork-until-short.ts', import.meta.url));
const UID = '12346';

/** A user that is not root, as root has no limit of processes. */
function asUser(...command: readonly string[]): string[] {
  return ['--reuid', UID, '--regid', UID, '--clear-groups', '--', ...command];
}

const isReadable =
  process.getuid?.() === 0 && spawnSync('setpriv', asUser('test', '-r', PROGRAM)).status === 0;

test.skipIf(!isReadable)(
  'a process that cannot be started for a limit of processes is a local shortage (needs root, setpriv, and a checkout that others may read)',
  () => {
    // Node itself has about a dozen threads, which count.
    const command = ['--nproc=40', 'setpriv', ...asUser(process.execPath, PROGRAM)];
    expect(execFileSync('prlimit', command, { encoding: 'utf8' })).toBe('EAGAIN');
  },
);
