import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import type { BundleInputs, SourceStamps } from '../src/cli/bundle-entry.ts';

/** Makes build/cli of src/cli: the commands in a few files, which `./culvert` starts several times as fast as the sources. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(ROOT, 'build/cli');
/** Programs of threads and processes of their own, which are found beside the module that starts them. */
const PROGRAMS = [
  'src/config/load/parse-process.ts',
  'src/health/bfd/thread-main.ts',
  'src/health/probes/http/regex-thread-main.ts',
];
const STARTERS = [
  'src/config/load/run-parse-process.ts',
  'src/health/bfd/thread.ts',
  'src/health/probes/http/regex-thread.ts',
];
/** What a listing loads is in three files: each file takes most of a millisecond, however short it is. */
const GROUPS = [
  { name: 'commander', test: /\/node_modules\/commander\//, priority: 2 },
  {
    name: 'main',
    test: /^\0rolldown\/runtime|\/src\/(?:cli\/(?:main|commands|cli-process|command-context|tables\/style|version)|errors|error-codes)\.ts$/,
    priority: 1,
  },
  {
    name: 'listings',
    test: /\/src\/(?:cli\/(?:options\/director-options|tables\/.*table.*|tables\/(?:service|wrap)-words|commands\/(?:look\/(?:reals|services|stats|events)|change\/reload))|(?:api\/client\/client|contract\/api\/service-text)|forwarding\/reasons)\.ts$/,
  },
];
/** Files that a process which started from the bundle before may load yet. */
const KEEP_MS = 24 * 3600 * 1000;

const bundle = await rolldown({
  input: {
    start: join(ROOT, 'src/cli/bundle-entry.ts'),
    ...Object.fromEntries(PROGRAMS.map((file) => [file.replace(/^.*\/|\.ts$/g, ''), join(ROOT, file)])),
  },
  platform: 'node',
  // Packages are loaded from node_modules as they are, but for the one that every command needs.
  external: (id, importer) => !/^(?:[./\0]|commander$)/.test(id) && !isProcessesOfCommander(id, importer),
  plugins: [sourceUrls(), withoutProcesses()],
});
const { output } = await bundle.generate({
  // CommonJS: each start saves some milliseconds beside ES modules, whose built-in modules are loaded with all their parts.
  format: 'cjs',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  codeSplitting: { groups: GROUPS },
});
const chunks = output.filter((file): file is OutputChunk => file.type === 'chunk');
write();

function write(): void {
  mkdirSync(OUTPUT, { recursive: true });
  const atStart = new Set(startSources());
  const commands = commandChunks().map(([name, paths]): [string, string[]] => [
    name,
    paths.filter((path) => !atStart.has(path)),
  ]);
  const files = new Map([
    ['package.json', '{"type":"commonjs"}\n'],
    ...chunks.map(({ fileName, code }): [string, string] => [fileName, code]),
    ...commands.map(([name, paths]): [string, string] => [
      `inputs-${name}.json`,
      JSON.stringify(stampsOf(paths)),
    ]),
    ['inputs.json', JSON.stringify(inputsOf(commands))],
  ]);
  for (const [name, text] of files) {
    writeFileSync(join(OUTPUT, `${name}.new`), text);
    renameSync(join(OUTPUT, `${name}.new`), join(OUTPUT, name));
  }
  for (const name of readdirSync(OUTPUT)) {
    const path = join(OUTPUT, name);
    if (!files.has(name) && Date.now() - statSync(path).mtimeMs > KEEP_MS) rmSync(path, { recursive: true });
  }
}

/** Modules find other files of the checkout from where their source is. */
function sourceUrls(): Plugin {
  return {
    name: 'source-urls',
    transform(code, id) {
      const isLeft = !code.includes('import.meta.url') || STARTERS.includes(relative(ROOT, id));
      if (isLeft) return undefined;
      const source = JSON.stringify(relative(OUTPUT, id));
      return code.replaceAll('import.meta.url', `new URL(${source}, import.meta.url).href`);
    },
  };
}

function isProcessesOfCommander(id: string, importer: string | undefined): boolean {
  return id === 'node:child_process' && importer?.includes('/node_modules/commander/') === true;
}

/** Commander can run subcommands as programs of their own; culvert has none, and loading what starts them takes a while. */
function withoutProcesses(): Plugin {
  const name = '\0child_process of commander';
  return {
    name: 'without-processes',
    resolveId(source, importer) {
      return isProcessesOfCommander(source, importer) ? name : undefined;
    },
    load(id) {
      return id === name ? 'export default {}' : undefined;
    },
  };
}

function inputsOf(commands: readonly [name: string, paths: readonly string[]][]): BundleInputs {
  const names = commands.map(([name]) => name);
  return { root: relative(OUTPUT, ROOT), files: stampsOf(startSources()), commands: names };
}

function stampsOf(paths: readonly string[]): SourceStamps {
  const stamps = [...new Set(paths)].map((path): [string, [number, number]] => {
    const { mtimeMs, size } = statSync(join(ROOT, path));
    return [path, [mtimeMs, size]];
  });
  return Object.fromEntries(stamps);
}

/** Each command by its name, with the sources of everything that it can load. */
function commandChunks(): [string, string[]][] {
  return chunks.flatMap(({ fileName, moduleIds }) =>
    moduleIds.flatMap((id): [string, string[]][] => {
      const [, name] = /\/src\/cli\/commands\/[^/]+\/([^/]+)\.ts$/.exec(id) ?? [];
      if (name === undefined) return [];
      const sources = sourcesOf([fileName], 'everything');
      const programs = PROGRAMS.filter((_, index) => sources.includes(STARTERS[index] ?? ''));
      const more = chunks.filter((chunk) => programs.includes(relative(ROOT, chunk.facadeModuleId ?? '')));
      return [[name, sourcesOf([fileName, ...more.map((chunk) => chunk.fileName)], 'everything')]];
    }),
  );
}

/** The sources of these chunks and of those that they import: at once, or ever. */
function sourcesOf(names: readonly string[], which: 'at once' | 'everything'): string[] {
  const found = new Set<string>();
  const wanted = [...names];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const chunk = chunks.find(({ fileName }) => fileName === name);
    if (chunk === undefined || found.has(name)) continue;
    found.add(name);
    // What holds commander holds main.ts too, which can load every command.
    const isMain = chunk.moduleIds.includes(join(ROOT, 'src/cli/main.ts'));
    wanted.push(...chunk.imports, ...(which === 'everything' && !isMain ? chunk.dynamicImports : []));
  }
  const ids = chunks.filter(({ fileName }) => found.has(fileName)).flatMap(({ moduleIds }) => moduleIds);
  return ids.filter((id) => id.startsWith(ROOT)).map((id) => relative(ROOT, id));
}

/** What every start loads. */
function startSources(): string[] {
  const start = chunks.find(({ name, isEntry }) => isEntry && name === 'start');
  return start === undefined ? [] : sourcesOf([start.fileName, ...start.dynamicImports], 'at once');
}
