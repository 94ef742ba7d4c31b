/** What meets people who come to the project: examples, forms, workflows, the release script. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = join(ROOT, 'src/cli/program.ts');
const EXAMPLES = join(ROOT, 'examples');

function culvert(...words: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

describe('examples', () => {
  test('README.md names each of them', () => {
    const page = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');
    for (const file of readdirSync(EXAMPLES)) if (file !== 'README.md') expect(page).toContain(`](${file})`);
  });

  test('culvert.yaml is valid, without a warning', () => {
    const { status, output } = culvert('check', '--no-host', join(EXAMPLES, 'culvert.yaml'));
    expect([status, output]).toEqual([0, expect.stringMatching(/^\S+: valid; services: 3, reals: 7\n$/)]);
  });

  test('keepalived.conf is valid with --strict, without a warning', () => {
    const file = join(EXAMPLES, 'keepalived.conf');
    const { status, output } = culvert('check', '--no-host', '--strict', '--interface', 'eth0', file);
    expect([status, output]).toEqual([0, expect.stringMatching(/^\S+: valid; services: 1, reals: 2\n$/)]);
  });

  test.skipIf(!hasProgram('nginx'))('nginx takes nginx-real.conf (needs nginx)', () => {
    const directory = mkdtempSync(join(tmpdir(), 'culvert-nginx-'));
    try {
      const settings = `pid ${directory}/nginx.pid; error_log ${directory}/error.log;`;
      const words = ['-t', '-p', directory, '-c', join(EXAMPLES, 'nginx-real.conf'), '-g', settings];
      const { status, stderr } = spawnSync('nginx', words, { encoding: 'utf8' });
      expect(stderr).toContain('test is successful');
      expect(status).toBe(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  // No container engine runs in the tests: the file is read, not run.
  test('compose.yaml runs what there is', () => {
    const { services } = parse(readFileSync(join(EXAMPLES, 'compose.yaml'), 'utf8')) as {
      services: Record<string, { command: string; privileged: boolean }>;
    };
    expect(services['lab']?.privileged).toBe(true);
    expect(services['lab']?.command).toMatch(/make run/);
  });

  test('realserver.sh is a script', () => {
    expect(spawnSync('sh', ['-n', join(EXAMPLES, 'realserver.sh')]).status).toBe(0);
  });
});

describe('the forge', () => {
  const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');

  test('workflows run what .ci/run runs, by targets that there are', () => {
    const workflow = readFileSync(join(ROOT, '.github/workflows/ci.yml'), 'utf8');
    const { jobs } = parse(workflow) as {
      jobs: Record<string, { strategy: { matrix: Record<string, string[]> } }>;
    };
    const targets = [...(jobs['test']?.strategy.matrix['target'] ?? []), 'test-vm'];
    const run = readFileSync(join(ROOT, '.ci/run'), 'utf8');
    expect([...run.matchAll(/^run (\S+)/gm)].map(([, target]) => target)).toEqual(targets);
    for (const target of targets) expect(makefile).toMatch(new RegExp(`^${target}:`, 'm'));
    const kernels = /KERNELS = \[([^\]]*)\]/.exec(readFileSync(join(ROOT, 'test/vm/main.ts'), 'utf8'))?.[1];
    expect(jobs['guests']?.strategy.matrix['kernel']?.map((kernel) => `'${kernel}'`).join(', ')).toBe(
      kernels,
    );
  });

  test.each(readdirSync(join(ROOT, '.github/ISSUE_TEMPLATE')))('the form %s can be read', (file) => {
    const form = parse(readFileSync(join(ROOT, '.github/ISSUE_TEMPLATE', file), 'utf8')) as object;
    expect(file === 'config.yml' || 'body' in form).toBe(true);
  });

  test('the entry for pre-commit runs a target that there is', () => {
    const { repos } = parse(readFileSync(join(ROOT, '.pre-commit-config.yaml'), 'utf8')) as {
      repos: { hooks: { entry: string }[] }[];
    };
    const [, target = ''] = repos[0]?.hooks[0]?.entry.split(' ') ?? [];
    expect(makefile).toMatch(new RegExp(`^${target}:`, 'm'));
  });
});

/** A repository with what a release needs of this one. */
function scratch(changelog: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-release-'));
  for (const file of ['package.json', 'package-lock.json', 'scripts', '.npmrc', '.gitignore'])
    cpSync(join(ROOT, file), join(directory, file), { recursive: true });
  writeFileSync(join(directory, 'CHANGELOG.md'), changelog);
  const git = (...words: string[]): Buffer =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b', ...words], { cwd: directory });
  git('init', '-q');
  git('config', 'user.name', 'A');
  git('config', 'user.email', 'a@example.org');
  git('add', '-A');
  git('commit', '-qm', 'all');
  return directory;
}

function release(directory: string, ...words: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('scripts/release.sh', words, {
    cwd: directory,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

describe('scripts/release.sh', () => {
  const CHANGELOG =
    '# Changelog\n\n## Unreleased\n\n### Added\n\n- a thing\n\n## 0.0.1 (2020-01-01)\n\n- old\n';

  test('writes notes and a bill of materials, sets the version and the tag', () => {
    const directory = scratch(CHANGELOG);
    try {
      expect(release(directory, '7.8.9', '--dry-run').status).toBe(0);
      expect(execFileSync('git', ['tag'], { cwd: directory, encoding: 'utf8' })).toBe('');
      expect(readFileSync(join(directory, 'build/release/notes.md'), 'utf8')).toBe(
        '### Added\n\n- a thing\n',
      );
      const sbom = JSON.parse(readFileSync(join(directory, 'build/release/sbom.cdx.json'), 'utf8')) as {
        components: { name: string }[];
      };
      const names = sbom.components.map(({ name }) => name);
      expect(names).toContain('fastify');
      expect(names).not.toContain('vitest');
      expect(release(directory, '7.8.9')).toMatchObject({ status: 0 });
      expect(execFileSync('git', ['tag'], { cwd: directory, encoding: 'utf8' })).toBe('v7.8.9\n');
      expect(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))).toMatchObject({
        version: '7.8.9',
      });
      expect(readFileSync(join(directory, 'CHANGELOG.md'), 'utf8')).toMatch(
        /^# Changelog\n\n## Unreleased\n\n## 7\.8\.9 \(\d{4}-\d\d-\d\d\)\n\n### Added\n/,
      );
      expect(release(directory, '7.8.9').output).toContain('is already there');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each([
    ['no version', CHANGELOG, [], /name the version/],
    ['another form of version', CHANGELOG, ['v1'], /name the version/],
    ['an unknown option', CHANGELOG, ['1.0.0', '--wet'], /unknown option --wet/],
    [
      'nothing that has changed',
      '# Changelog\n\n## Unreleased\n\n## 0.0.1\n\n- old\n',
      ['1.0.0'],
      /has nothing under/,
    ],
  ])('is refused with %s', (_what, changelog, words, message) => {
    const directory = scratch(changelog);
    try {
      const { status, output } = release(directory, ...words);
      expect(status).toBe(1);
      expect(output).toMatch(message);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('is refused with changes that are not committed', () => {
    const directory = scratch(CHANGELOG);
    try {
      writeFileSync(join(directory, 'new-file'), '');
      expect(release(directory, '1.0.0').output).toContain('not committed');
      expect(existsSync(join(directory, 'build/release'))).toBe(false);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
