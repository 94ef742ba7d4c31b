// The state of directors whose network namespaces have not outlived a reboot.
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

interface OrphanOptions {
  readonly stateDirectory: string;
  /** The configured name, which another network namespace uses. */
  readonly instance: string;
  /** The name of this director: `<instance>@<number of its network namespace>`. */
  readonly localInstance: string;
  /** Milliseconds since 1970. */
  readonly bootedMs: number;
}

/**
 * Network namespaces have other numbers after each boot, so that nobody finds the files of earlier boots by their names any more. If
 * they are of one director, this one is taken for it and gets them, unless it has its own. Otherwise nobody knows whose they are, and
 * they are removed.
 * @returns the files that this director got
 */
export async function takeUpOrphans(options: OrphanOptions): Promise<readonly string[]> {
  const { stateDirectory, localInstance } = options;
  const orphans = await findOrphans(options);
  const owners = new Set(orphans.map(({ owner }) => owner));
  const taken: string[] = [];
  for (const { name, ending } of orphans) {
    const [from, to] = [join(stateDirectory, name), join(stateDirectory, `${localInstance}.${ending}`)];
    if (owners.size > 1 || (await exists(to))) await rm(from, { force: true });
    else {
      await rename(from, to);
      taken.push(to);
    }
  }
  return taken;
}

interface Orphan {
  readonly name: string;
  readonly owner: string;
  readonly ending: string;
}

async function findOrphans({ stateDirectory, instance, bootedMs }: OrphanOptions): Promise<Orphan[]> {
  const names = await readdir(stateDirectory).catch(() => []);
  const found = names.flatMap((name): Orphan[] => {
    const [, before, owner = '', ending = ''] =
      /^(.+)@(\d+)\.((?:applied\.)?json|journal(?:\.old)?)$/.exec(name) ?? [];
    return before === instance ? [{ name, owner, ending }] : [];
  });
  const times = await Promise.all(found.map(({ name }) => changedMs(join(stateDirectory, name))));
  return found.filter((_, index) => (times[index] ?? bootedMs) < bootedMs);
}

async function changedMs(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}

async function exists(path: string): Promise<boolean> {
  return (await changedMs(path)) !== undefined;
}
