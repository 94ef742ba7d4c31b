import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { culvert, Running } from './culvert.ts';

/** A director runs on a sound file; whatever the file becomes, it has to be told, and the director to stay as it is. */
let directory: string;
let file: string;
let running: Running;

const SOUND = `virtual_server 192.0.2.10 80 {
    lb_algo rr
    lb_kind TUN
    protocol TCP
    real_server 10.0.1.2 80 {
        weight 5
    }
}
`;
const MEGABYTES = 50;

/** What becomes of the file, where that is told, and what. */
const CASES: readonly (readonly [description: string, text: () => string | Uint8Array, told: RegExp])[] = [
  [
    'a method that culvert does not have',
    () => SOUND.replace('TUN', 'NAT'),
    /:3:13: lb_kind NAT: culvert forwards by IP tunnel only/,
  ],
  [
    'a value out of range',
    () => SOUND.replace('weight 5', 'weight 65536'),
    /:6:16: weight: .*from 0 to 65535/,
  ],
  ['an include of itself', () => `${SOUND}include keepalived.conf\n`, /:9:9: .* the file includes itself/],
  [
    `${MEGABYTES} MB`,
    () => SOUND.repeat((MEGABYTES * 1_000_000) / SOUND.length),
    /:1:1: it has \d+ bytes; allowed: up to 8388608/,
  ],
  [
    'binary rubbish',
    () => Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 256),
    /:1:\d+: found the character U\+\w+; allowed: a text file in keepalived's format/,
  ],
  [
    'a program',
    () => Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0),
    /:1:1: found the character U\+007F/,
  ],
];

/** What keepalived logs and goes on without. */
const WARNINGS: typeof CASES = [
  [
    'an unclosed brace',
    () => SOUND.replace(/\}\n$/, ''),
    /:1:1: virtual_server: the block that begins here is not closed; allowed: a \}/,
  ],
  [
    'an unknown keyword',
    () => SOUND.replace('weight', 'wieght'),
    /:6:9: unknown keyword 'wieght' \(did you mean/,
  ],
  ['a port out of range', () => SOUND.replace('.10 80', '.10 65536'), /:1:27: virtual_server: .*1 to 65535/],
  [
    'an include that is missing',
    () => `${SOUND}include none.conf\n`,
    /:9:9: include \S+: there is no such file/,
  ],
];

function simulated(instance: string): string[] {
  const settings = [
    'plane=simulated',
    `instance=${instance}`,
    `runDirectory=${directory}`,
    `stateDirectory=${directory}`,
  ];
  return settings.flatMap((setting) => ['--set', setting]);
}

async function told(command: string): Promise<string> {
  const { status, stdout } = await culvert([command, '--json'], { CULVERT_RUN_DIRECTORY: directory });
  expect(status).toBe(0);
  return stdout;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-keepalived-'));
  file = join(directory, 'keepalived.conf');
  await writeFile(file, SOUND);
  running = new Running(['run', '-c', file, ...simulated('here')]);
  await Promise.race([
    running.stderr.waitFor(/ready/),
    running.ended.then(({ stderr }) => expect(stderr).toBe('')),
  ]);
});

afterAll(async () => {
  running.signals.emit('SIGTERM');
  await running.ended;
  await rm(directory, { recursive: true });
});

describe.each(CASES)('%s', (_description, text, message) => {
  test('is refused by run, check, import and reload with its place; the director stays as it is', async () => {
    const before = [await told('services'), await told('reals')];
    await writeFile(file, text());
    for (const [command, ...options] of [
      ['run', '-c', file, ...simulated('there')],
      ['check', file, '--no-host', '--interface', 'eth0'],
      ['import', file, '--interface', 'eth0'],
      ['reload'],
    ]) {
      const { status, stderr } = await culvert([command ?? '', ...options], {
        CULVERT_RUN_DIRECTORY: directory,
      });
      expect({ command, status, stderr }).toMatchObject({ status: 1 });
      expect(stderr.split('\n', 1)[0]).toMatch(new RegExp(`keepalived\\.conf${message.source}`));
    }
    expect([await told('services'), await told('reals')]).toEqual(before);
  }, 60_000);
});

describe.each(WARNINGS)('%s', (_description, text, message) => {
  const line = new RegExp(`keepalived\\.conf${message.source}`);

  test('is a warning for check, import and reload, and an error for check --strict', async () => {
    await writeFile(file, text());
    for (const command of [
      ['check', file, '--no-host', '--interface', 'eth0'],
      ['import', file, '--interface', 'eth0'],
    ]) {
      const { status, stderr } = await culvert(command);
      expect({ command, status, stderr }).toMatchObject({ status: 0 });
      expect(stderr).toMatch(line);
    }
    const strict = await culvert(['check', file, '--strict', '--no-host', '--interface', 'eth0']);
    expect(strict.status).toBe(1);
    expect(strict.stderr.split('\n', 1)[0]).toMatch(line);
    expect((await culvert(['reload'], { CULVERT_RUN_DIRECTORY: directory })).status).toBe(0);
    await running.stderr.waitFor(line);
  }, 60_000);
});

test('and takes the next sound one', async () => {
  await writeFile(file, SOUND.replace('weight 5', 'weight 6'));
  expect((await culvert(['reload'], { CULVERT_RUN_DIRECTORY: directory })).status).toBe(0);
  expect(JSON.parse(await told('reals'))).toMatchObject([{ address: '10.0.1.2', configuredWeight: 6 }]);
});
