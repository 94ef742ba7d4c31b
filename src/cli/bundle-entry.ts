// The first module of the bundle of commands: runs the bundle while it is current, else the sources.
import { readFileSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The first module of the bundle that scripts/bundle.ts makes of the commands. A start from the bundle takes a fraction of
 * one from the sources; a bundle of other sources than those beside it is passed over, and the sources run.
 */
export interface BundleInputs {
  /** The path of the sources, relative to the bundle. */
  readonly root: string;
  /** The sources of what every command loads. */
  readonly files: SourceStamps;
  /** The names of the commands; the sources of each are in a file of its own, as `commandInputs` names it. */
  readonly commands: readonly string[];
}

/** The time of the last change in ms and the length of each source when the bundle was made, by path. */
export type SourceStamps = Readonly<Record<string, readonly [mtimeMs: number, bytes: number]>>;

const here = import.meta.dirname;
const inputs = JSON.parse(readFileSync(join(here, 'inputs.json'), 'utf8')) as BundleInputs;
const root = join(here, inputs.root);

void start();

async function start(): Promise<void> {
  if (!isCurrent()) return startSources();
  useCache();
  const { main } = await import('./main.ts');
  const { runProgram } = await import('./cli-process.ts');
  await runProgram(main);
}

/** Returns true if the sources of the command called are still those that the bundle was made of. */
function isCurrent(): boolean {
  const called = process.argv.slice(2).filter((word) => inputs.commands.includes(word));
  return [inputs.files, ...called.map(commandInputs)].every(areUnchanged);
}

function commandInputs(command: string): SourceStamps {
  return JSON.parse(readFileSync(join(here, `inputs-${command}.json`), 'utf8')) as SourceStamps;
}

/** A plain loop without path.join: this runs before anything is compiled or cached, and takes a third of the time. */
function areUnchanged(stamps: SourceStamps): boolean {
  for (const path in stamps) {
    const [mtimeMs, bytes] = stamps[path] ?? [];
    const found = statSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (found?.mtimeMs !== mtimeMs || found?.size !== bytes) return false;
  }
  return true;
}

async function startSources(): Promise<void> {
  const { main } = (await import(sourceOf('main.ts'))) as typeof import('./main.ts');
  const { runProgram } = (await import(sourceOf('cli-process.ts'))) as typeof import('./cli-process.ts');
  await runProgram(main);
}

function sourceOf(file: string): string {
  return pathToFileURL(join(root, 'src/cli', file)).href;
}

/** Compiled code beside the bundle, unless another user's: root would leave files there that its owner cannot remove. */
function useCache(): void {
  if (statSync(here).uid === process.getuid?.()) enableCompileCache(join(here, 'cache'));
}
