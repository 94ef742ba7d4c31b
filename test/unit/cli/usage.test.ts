import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { culvert } from './culvert.ts';

describe('--help', () => {
  test('of the program lists every command', async () => {
    const { status, stdout } = await culvert(['--help']);
    expect(status).toBe(0);
    for (const [name, { summary }] of Object.entries(COMMANDS)) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b.* ${summary}$`, 'm'));
    }
  });

  const subcommands = ['setup', 'verify', 'status', 'teardown'].map((name) => ['realserver', name]);
  test.each([...Object.keys(COMMANDS).map((name) => [name]), ...subcommands])(
    '%s %s has an example',
    async (...path) => {
      const words = path.filter((word) => word !== undefined);
      const { status, stdout } = await culvert([...words, '--help']);
      expect(status).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: culvert ${words.join(' ')}\\b`));
      expect(stdout).toMatch(new RegExp(`\\nExamples:\\n  \\$ culvert ${words[0]}`));
    },
  );

  test('help NAME is the same as NAME --help', async () => {
    expect((await culvert(['help', 'drain'])).stdout).toBe((await culvert(['drain', '--help'])).stdout);
  });
});

describe('wrong usage is status 2 and one clean line', () => {
  test.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['reals', '--frobnicate'], "unknown option '--frobnicate'"],
    [['drain'], "missing required argument 'address'"],
    [['drain', '10.0.0.999'], 'It must be an IP address, such as 10.0.3.2.'],
    [['weight', '10.0.1.2', '65536'], 'It must be a whole number from 0 to 65535, or "configured".'],
    [['weight', '10.0.1.2', '-1'], "argument value '-1' is invalid"],
    [['drain', '10.0.1.2', '--service', 'web'], 'It must name a service, such as tcp:192.0.2.10:80.'],
    [['lab', '--for', 'ever'], 'It must be a time, such as 15s or 2m.'],
    [['lab', '--plane', 'paper'], 'Allowed choices are xdp, simulated.'],
    [
      ['realserver', 'setup', '--vip', '192.0.2.10', '--interface', 'eth0', '--tunnel', 'gue'],
      'GUE needs a port. fix: --tunnel gue:PORT',
    ],
    [
      ['realserver', 'verify', '--vip', '192.0.2.10', '--interface', 'eth0', '--tunnel-port', '6080'],
      'ipip has no port. fix: remove --tunnel-port',
    ],
    [
      [
        'realserver',
        'setup',
        '--vip',
        '::1',
        '--interface',
        'eth0',
        '--tunnel',
        'gre',
        '--tunnel-checksum',
        'remote',
      ],
      'gre has no remote checksum. fix: remove --tunnel-checksum',
    ],
    [
      ['realserver', 'setup', '--vip', '2001:db8::g', '--interface', 'eth0'],
      'It must be an IP address, such as 192.0.2.10 or 2001:db8::10.',
    ],
    [['run'], "required option '-c, --config <file>' not specified"],
  ])('%j', async (argv, said) => {
    const { status, stdout, stderr } = await culvert(argv);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^culvert: /);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain('    at ');
  });

  test('nothing at all shows the help', async () => {
    const { status, stderr } = await culvert([]);
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: culvert');
  });
});

test('--version', async () => {
  const { status, stdout } = await culvert(['--version']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
