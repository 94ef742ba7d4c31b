// `culvert ipvsadm` on running directors: what a kernel has no counterpart for.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Outcome, Running } from '../../cli/culvert.ts';
import { AdmDirector } from '../director.ts';

interface ConfigBody {
  readonly services: readonly { readonly port: unknown; readonly reals: readonly object[] }[];
}

describe('over a file without services', () => {
  let directory: string;
  let running: Running;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'culvert-adm-'));
    const file = join(directory, 'culvert.yaml');
    await writeFile(
      file,
      `director: {plane: simulated, instance: adm, runDirectory: ${directory}, stateDirectory: ${directory}}\nservices: []\n`,
    );
    running = new Running(['run', '-c', file]);
    await running.stderr.waitFor(/ready/);
  });
  afterEach(async () => {
    running.signals.emit('SIGTERM');
    await running.ended;
    await rm(directory, { recursive: true });
  });

  function adm(words: string, input = ''): Promise<Outcome> {
    const argv = ['ipvsadm', ...words.split(' ')];
    return new Running(argv, { CULVERT_RUN_DIRECTORY: directory }, false, input).ended;
  }

  test('ipvsadm alone fills it, and empties it', async () => {
    const rules =
      '-A -t 192.0.2.10:80 -s rr\n-a -t 192.0.2.10:80 -r 10.0.3.2:80 -i -w 1 -x 10 -y 5 --tun-type ipip\n';
    expect(await adm('-R', rules)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await adm('-Sn')).toEqual({ status: 0, stdout: rules, stderr: '' });
    expect(await adm('-C')).toMatchObject({ status: 0 });
    expect(await adm('--save -n')).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('its options are not taken for those of culvert', async () => {
    expect((await adm('--version')).stdout).toMatch(/^ipvsadm v1\.31 \(culvert /);
    expect((await adm('-h')).stdout).toMatch(/^Usage: culvert ipvsadm .*\n {2}ipvsadm -A/);
    expect(await adm('--debug -L')).toMatchObject({
      status: 255,
      stderr: expect.stringContaining('Try `ipvsadm'),
    });
  });

  test('a director is named before all else', async () => {
    expect(await adm(`--socket ${join(directory, 'adm.sock')} -Ln`)).toMatchObject({ status: 0 });
    expect(await adm('--instance adm -Ln')).toMatchObject({ status: 0 });
    expect(await adm('--instance other -Ln')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no director answers'),
    });
  });
});

describe('what is refused says why, and changes nothing', () => {
  test.each([
    ['-a -t 192.0.2.10:80 -r 10.0.3.9', /direct routing/],
    ['-a -t 192.0.2.10:80 -r 10.0.3.9 -g', /direct routing/],
    ['-a -t 192.0.2.10:80 -r 10.0.3.9 -m', /masquerading/],
    ['-e -t 192.0.2.10:80 -r 10.0.3.2 -g -w 5', /direct routing/],
    ['-A -f 1 -s rr', /firewall marks.*port: \[80, 443\]/],
    ['-A -u 192.0.2.10:5060 -p 60 --pe sip', /persistence engines/],
    ['-A -t 192.0.2.10:81 -p 60 -M 255.0.255.0', /mask/],
    ['-A -t 192.0.2.10:81 -p 60 -M 0.0.0.0', /mask/],
    ['--start-daemon master', /synchronisation daemon/],
    ['--stop-daemon backup', /synchronisation daemon/],
    ['-e -t 192.0.2.10:80 -r 10.0.3.2 -i -w 65536', /65535/],
  ])('%s', async (line, reason) => {
    await using director = await AdmDirector.start(
      '[{vip: 192.0.2.10, port: 80, reals: [{address: 10.0.3.2}]}]',
    );
    const before = await director.ipvsadm(['-Sn']);
    expect(await director.ipvsadm(line.split(' '))).toEqual({
      status: 2,
      stderr: expect.stringMatching(reason),
    });
    expect(await director.ipvsadm(['-Sn'])).toEqual(before);
  });
});

describe('beside a file with services', () => {
  const FILE = `
  - {vip: 192.0.2.10, port: [80, 443, 8000-8001], scheduler: wrr, check: {type: http, interval: 1m}, reals: [{address: 10.0.3.2, weight: 5}]}
  - {vip: '2001:db8:0:0::10', port: all, persistence: 5m, tunnel: gre, check: none, reals: []}`;

  test('a service of several ports is named by any of them, and saved as one for each', async () => {
    await using director = await AdmDirector.start(FILE);
    expect((await director.ipvsadm(['-Ln', '-t', '192.0.2.10:8001'])).stdout).toContain(
      'TCP  192.0.2.10:80 wrr ports +443,8000,8001\n',
    );
    expect(await director.ipvsadm('-A -t 192.0.2.10:443'.split(' '))).toEqual({
      status: 255,
      stderr: 'Service already exists\n',
    });
    await director.ipvsadm('-a -t 192.0.2.10:443 -r 10.0.3.3 -i'.split(' '));
    const { stdout = '' } = await director.ipvsadm(['-Sn']);
    expect(stdout.match(/^-A -t 192\.0\.2\.10:(80|443|8000|8001) -s wrr$/gm)).toHaveLength(4);
    expect(stdout.match(/ -r 10\.0\.3\.3:/g)).toHaveLength(4);
  });

  test('what ipvsadm has no option for stays', async () => {
    await using director = await AdmDirector.start(FILE);
    await director.ipvsadm('-E -t 192.0.2.10:80 -s sh -b sh-port'.split(' '));
    await director.ipvsadm('-a -t [2001:db8::10]:0 -r 10.0.3.2 -i'.split(' '));
    await director.ipvsadm('-a -t [2001:db8::10]:0 -r 10.0.3.3 -i --tun-type gre'.split(' '));
    await director.ipvsadm('-A -u 192.0.2.10:53 -s rr'.split(' '));
    expect(await configOf(director)).toMatchObject({
      services: [
        {
          port: [80, 443, '8000-8001'],
          scheduler: 'sh',
          schedulerFlags: ['sh-port'],
          check: { type: 'http', interval: '1m' },
        },
        {
          tunnel: 'gre',
          reals: [
            { address: '10.0.3.2', tunnel: 'ipip' },
            { address: '10.0.3.3', weight: 1 },
          ],
        },
        { vip: '192.0.2.10', protocol: 'udp', check: 'none' },
      ],
    });
  });

  test('an edited real stays in its tunnel unless another one is named', async () => {
    await using director = await AdmDirector.start(FILE);
    await director.ipvsadm('-a -t 192.0.2.10:80 -r 10.0.3.3 -i --tun-type gue --tun-port 6080'.split(' '));
    await director.ipvsadm('-e -t 192.0.2.10:80 -r 10.0.3.3 -w 9'.split(' '));
    expect((await director.ipvsadm(['-Ln', '--tun-info'])).stdout).toMatch(
      /10\.0\.3\.3:80 +Tunnel +gue:6080:-c +9 /,
    );
    await director.ipvsadm('-e -t 192.0.2.10:80 -r 10.0.3.3 -i -w 9'.split(' '));
    expect((await director.ipvsadm(['-Ln', '--tun-info'])).stdout).toMatch(
      /10\.0\.3\.3:80 +Tunnel +ipip +9 /,
    );
  });

  test('a weight that is given holds, also for a real that was drained; the configured one is saved', async () => {
    await using director = await AdmDirector.start(FILE);
    await director.culvert('drain', '10.0.3.2');
    expect((await director.ipvsadm(['-Ln'])).stdout).toMatch(/10\.0\.3\.2:80 +Tunnel +0 /);
    expect((await director.ipvsadm(['-Sn'])).stdout).toContain('-r 10.0.3.2:80 -i -w 5');
    await director.ipvsadm('-e -t 192.0.2.10:443 -r 10.0.3.2 -w 7'.split(' '));
    expect((await director.ipvsadm(['-Ln'])).stdout).toMatch(/10\.0\.3\.2:80 +Tunnel +7 /);
  });

  test('a sorry server is a real while it serves, and is not saved', async () => {
    await using director = await AdmDirector.start(
      '[{vip: 192.0.2.10, port: 80, check: none, sorryServer: {address: 10.0.9.9}, reals: [{address: 10.0.3.2}]}]',
    );
    expect((await director.ipvsadm(['-Ln'])).stdout).not.toContain('10.0.9.9');
    await director.ipvsadm('-d -t 192.0.2.10:80 -r 10.0.3.2'.split(' '));
    expect((await director.ipvsadm(['-Ln'])).stdout).toMatch(/-> 10\.0\.9\.9:80 +Tunnel +100 /);
    expect((await director.ipvsadm(['-Sn'])).stdout).toBe('-A -t 192.0.2.10:80 -s mh -b mh-port\n');
  });

  test('what the configuration does not allow is told by the director, and nothing has changed', async () => {
    await using director = await AdmDirector.start(FILE);
    const before = await configOf(director);
    expect(await director.ipvsadm('-a -t 192.0.2.10:80 -r 192.0.2.10 -i'.split(' '))).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^services\[0\].*the VIP.*\n$/),
    });
    expect(await configOf(director)).toEqual(before);
  });

  test('many at a time do not undo each other', async () => {
    await using director = await AdmDirector.start('[]');
    const ports = Array.from({ length: 30 }, (_, index) => 8000 + index);
    const outcomes = await Promise.all(
      ports.map((port) => director.ipvsadm(['-A', '-t', `192.0.2.10:${port}`, '-s', 'rr'])),
    );
    expect(outcomes).toEqual(ports.map(() => ({ status: 0 })));
    expect(
      (await configOf(director)).services.map(({ port }) => Number(port)).toSorted((a, b) => a - b),
    ).toEqual(ports);
  });

  test('-R passes over what the director refuses, and makes all else', async () => {
    await using director = await AdmDirector.start('[]');
    const rules = Array.from({ length: 20 }, (_, n) => `-a -t 192.0.2.10:80 -r 10.0.3.${n + 1} -i -w 1\n`);
    rules.splice(7, 0, '-a -t 192.0.2.10:80 -r 192.0.2.10 -i\n');
    rules.splice(15, 0, '-a -t 192.0.2.10:80 -r 10.0.3.1 -i\n', '-a -t 192.0.2.10:80 -r 192.0.2.10 -i\n');
    const { status, stderr } = await director.ipvsadm(['-R'], `-A -t 192.0.2.10:80 -s rr\n${rules.join('')}`);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^services.*the VIP.*\nDestination already exists\nservices.*the VIP.*\n$/);
    const [service] = (await configOf(director)).services;
    expect(service?.reals).toHaveLength(20);
    // What was refused on the way is no event: each of them is a change that was made.
    const types = (await director.client.events()).map(({ type }) => type);
    expect(new Set(types)).toEqual(new Set(['start', 'apply']));
  });

  test('all that -R reads is one change', async () => {
    await using director = await AdmDirector.start('[]');
    const rules = Array.from({ length: 200 }, (_, index) => {
      const name = `192.0.2.10:${1000 + index}`;
      return `-A -t ${name} -s rr\n-a -t ${name} -r 10.0.3.2:${1000 + index} -i -w 1\n`;
    }).join('');
    const before = director.plane.summaries.length;
    expect(await director.ipvsadm(['-R'], rules)).toEqual({ status: 0 });
    const { services } =
      director.plane.summaries.slice(before).find(({ services: { added } }) => added > 0) ?? {};
    expect(services).toMatchObject({ added: 200 });
  });
});

async function configOf(director: AdmDirector): Promise<ConfigBody> {
  return (await director.client.config()).config;
}
