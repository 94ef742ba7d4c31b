import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** An upper limit on a duration: on a machine that others share it fails for no fault of the code. */
const SPEED =
  /expect\((?:[^;]*\b(?:performance\.now|Date\.now|hrtime)\(|took|elapsed\w*|\w*duration\w*)[^;]*\)\s*\.toBeLessThan/i;
/** Of the network's own simulated clock. */
const ALLOWED = [
  'test/unit/dataplane/simulated/mtu-story.test.ts',
  'test/unit/setup/no-speed-assertions.test.ts',
];

test('no test asserts how fast something is: that is what benches are for', () => {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((file) => join('test', file));
  const asserting = files
    .filter((file) => file.endsWith('.ts') && !ALLOWED.includes(file))
    .filter((file) => SPEED.test(readFileSync(file, 'utf8')));
  expect(asserting).toEqual([]);
});
