import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const LOCK_FILES = ['package-lock.json', 'scripts/toolchain/package-lock.json'];

/** Set-up runs `npm ci`, which refuses a lock file that leaves out the optional packages of other platforms. */
test.each(LOCK_FILES)('%s holds every package of every platform by its hash', (file) => {
  const { packages } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const missing: string[] = [];
  for (const [place, { version, integrity, optionalDependencies = {} }] of Object.entries(packages)) {
    if (place !== '' && (version === undefined || integrity?.startsWith('sha512-') !== true))
      missing.push(`${place}: no hash`);
    for (const name of Object.keys(optionalDependencies)) {
      if (
        packages[`${place}/node_modules/${name}`] === undefined &&
        packages[`node_modules/${name}`] === undefined
      )
        missing.push(`${place}: ${name}`);
    }
  }
  expect(missing).toEqual([]);
});
