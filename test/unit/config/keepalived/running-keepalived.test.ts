import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { thisHost } from '../../../../src/config/host/this-host.ts';
import { parseKeepalivedConfig } from '../../../../src/config/keepalived/parse-keepalived-config.ts';
import { CulvertError } from '../../../../src/errors.ts';
import { anyFaultyText } from './random-junk.ts';
import { type ReadConfig, withConfig } from './read.ts';
import { samples, temporaryFile } from './real-keepalived.ts';
import { canRun, type Log, logOf, whatRunningNeeds } from './running-keepalived.ts';
import { isStricter } from './stricter-errors.ts';
import { type Understood, understoodByCulvert, understoodByKeepalived } from './understood.ts';

/** Files as people have them, each with something that keepalived ignores, or reads as few would think. */
const directory = new URL('cases/', import.meta.url).pathname;
const cases = readdirSync(directory).sort();

function read(path: string, strict = false): ReadConfig {
  const director = { interface: 'eth0' };
  const options = { configId: 'lb1', director, lookup: thisHost, strict };
  return withConfig(parseKeepalivedConfig(readFileSync(path, 'utf8'), path, options));
}

/** What keepalived says at the end of a block is culvert's at its begin. */
const OF_BLOCK =
  /Missing '|has no path|No script path|no urls|no track_file|No name|no entries|No file set|don't match/;

/** Lines that its checking process complains of; the starting one reads global_defs, and repeats others. */
function linesOf({ lines }: Log): number[] {
  const told = lines.filter((line) => !OF_BLOCK.test(line));
  const found = told.flatMap((line) => /^\(\S+: Line (\d+)\) /.exec(line)?.[1] ?? []);
  return [...new Set(found.map(Number))];
}

function toldLines(warnings: readonly string[]): number[] {
  return warnings.flatMap((warning) => Number(/^\S+?:(\d+):\d+: /.exec(warning)?.[1] ?? 0));
}

describe.skipIf(!canRun)(`keepalived itself runs the same (${whatRunningNeeds})`, () => {
  for (const name of cases) {
    test(name, async () => {
      const path = join(directory, name);
      const { config, warnings } = read(path);
      const log = await logOf(path);
      expect(log.started).toBe(true);
      expect(understoodByCulvert(config)).toEqual(understoodByKeepalived(log.lines));
      expect(toldLines(warnings)).toEqual(expect.arrayContaining(linesOf(log)));
    });
  }

  /** What of a sample is put aside: keepalived's own faults, and what this machine lacks. */
  const ASIDE: Readonly<Record<string, RegExp>> = {
    // Hosts that name no connect_timeout get one of 0 from 2.2.7 (smtp_host_handler() of check_smtp.c).
    SMTP_CHECK: /"timeout":\d+,/,
  };

  for (const [name, path] of samples) {
    test(`the sample ${name}, with tunnels`, async () => {
      using file = temporaryFile(readFileSync(path, 'utf8').replaceAll('lb_kind NAT', 'lb_kind TUN'));
      const ours = readOrErrors(file.path);
      if (!('config' in ours)) {
        expect(ours.errors.filter((error) => !isStricter(error))).toEqual([]);
        return;
      }
      const log = await logOf(file.path);
      const aside = ASIDE[name] ?? /(?!)/;
      expect(without(understoodByCulvert(ours.config), aside)).toEqual(
        without(understoodByKeepalived(log.lines), aside),
      );
    });
  }

  const COMPLAINS = cases.filter((name) => !/^(?:bang|hash|escaped|free|group-used|local|smtp)/.test(name));
  test.each(COMPLAINS)(
    'with --strict %s is refused, at the first line that keepalived complains of',
    async (name) => {
      const path = join(directory, name);
      expect(() => read(path, true)).toThrow(CulvertError);
    },
  );

  test('files with random faults', async () => {
    const property = fc.asyncProperty(anyFaultyText, async (text) => {
      using file = temporaryFile(forKeepalived(text));
      const ours = readOrErrors(file.path);
      const log = await logOf(file.path);
      // Where a word is missing it ends, and now and then it crashes. After a track_file that is not closed its first process finds
      // nothing to run, and so nothing says how it would read the rest.
      fc.pre(log.started && !log.lines.some((line) => line.includes('no configuration to run')));
      if (!('config' in ours)) {
        expect(ours.errors.filter((error) => !isStricter(error))).toEqual([]);
        return;
      }
      expect(understoodByCulvert(ours.config)).toEqual(understoodByKeepalived(log.lines));
      const isWhole = !ours.warnings.some((warning) => warning.startsWith('... and '));
      if (isWhole) expect(toldLines(ours.warnings)).toEqual(expect.arrayContaining(linesOf(log)));
    });
    await fc.assert(property, { numRuns: 25, endOnFailure: true });
  }, 300_000);
});

function without(understood: Understood, aside: RegExp): Understood {
  const cut = (checks: readonly string[]): string[] =>
    checks.map((check) => check.replace(aside, '')).filter((check) => check !== '');
  return Object.fromEntries(
    Object.entries(understood).map(([key, service]) => [
      key,
      { ...service, checks: cut(service.checks).sort() },
    ]),
  );
}

/** keepalived wants scripts to be allowed; that of an unknown user it ignores. */
function forKeepalived(text: string): string {
  const allowed = 'global_defs {\n enable_script_security\n script_user root\n}\n';
  return allowed + text.replaceAll(/" nobody( nogroup)?$/gm, '"');
}

function readOrErrors(path: string): ReadConfig | { errors: readonly string[] } {
  try {
    return read(path);
  } catch (error) {
    if (!(error instanceof CulvertError)) throw error;
    return { errors: error.message.split('\n') };
  }
}
