// Set-up adds, teardown takes away what is named: as typed, in namespaces of their own (see realserver/host.ts).
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { XdpLink } from '../../../src/linux/bpf/xdp-link.ts';
import { deleteNamespace } from '../../../src/linux/namespaces/netns.ts';
import { findLink } from '../../../src/linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import {
  loadRealServerProgram,
  observeProgram,
} from '../../../src/realserver/program/decapsulation-program.ts';
import { setupRealServer } from '../../../src/realserver/setup.ts';
import { encapsulated } from './encapsulated.ts';
import { RealHost } from './host.ts';
import { clientPacket, clientPacket6, DIRECTOR, VIP } from './tunnel-frames.ts';

const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));
const root = process.getuid?.() === 0;
const built = existsSync('build/bpf/realserver.bpf.o');
const PORT = 53;
const IPIP: Tunnel = { type: 'ipip' };
const GRE: Tunnel = { type: 'gre', checksum: 'none' };
const GUE: Tunnel = { type: 'gue', checksum: 'none', port: 6080 };

describe.skipIf(!root || !built)('set-up adds (needs root and a built BPF object)', () => {
  let host: RealHost;
  let before: Record<string, string>;
  let server: ChildProcess | undefined;
  let bytes = 100;

  beforeEach(async () => {
    host = await new RealHost('a').ready();
    before = host.snapshot();
  });
  afterEach(() => {
    server?.kill();
    server = undefined;
    host[Symbol.dispose]();
  });

  /** A command as it is typed; --state-directory is added. */
  function type(command: string): { status: number | null; stdout: string; stderr: string } {
    const words = ['realserver', ...command.split(' '), '--state-directory', host.directory];
    const run = spawnSync('nsenter', [`--net=/run/netns/${host.real}`, CULVERT, ...words], {
      encoding: 'utf8',
    });
    return { status: run.status, stdout: run.stdout, stderr: run.stderr };
  }

  function typeWell(command: string): string {
    const { status, stdout, stderr } = type(command);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    return stdout;
  }

  async function answers(vip: '4' | '6', tunnel: Tunnel, outer: 4 | 6 = 4): Promise<boolean> {
    const packet = vip === '4' ? clientPacket(++bytes) : clientPacket6(++bytes);
    return host.echoes(packet, [encapsulated(packet, { tunnel, outer })]);
  }

  test("the README's examples, one after the other, each served by its tunnel", async () => {
    const named = '--director 10.0.1.2 --interface eth0';
    typeWell(`setup --vip 192.0.2.10 ${named}`);
    expect(typeWell(`setup --vip 2001:db8::10 ${named} --tunnel gue --tunnel-port 6080`)).not.toContain(
      'delete',
    );
    expect(typeWell(`setup --vip 192.0.2.10 ${named}`)).toContain('nothing to do');
    typeWell('setup --vip 192.0.2.11 --tunnel gre');
    server = await host.echoServer('192.0.2.10,2001:db8::10', PORT);
    expect(await answers('4', IPIP)).toBe(true);
    await expect.poll(() => answers('6', GUE), { timeout: 20_000 }).toBe(true);
    // What one VIP may come in, the other may not.
    expect(await answers('4', GRE)).toBe(false);
    expect(typeWell('verify')).not.toContain('FAIL');
    const shown = typeWell('status');
    for (const [address, tunnel] of [
      ['192.0.2.10', 'ipip'],
      ['2001:db8::10', 'gue port 6080'],
      ['192.0.2.11', 'gre'],
    ]) {
      expect(shown).toMatch(new RegExp(`${address} +${tunnel}`));
    }

    expect(typeWell('teardown --vip 2001:db8::10')).toContain('delete 2001:db8::10/128 from lo');
    expect(await answers('4', IPIP)).toBe(true);
    expect(await answers('6', GUE)).toBe(false);
    expect(typeWell('teardown --vip 2001:db8::10')).toContain('nothing to do: it is not set up');
    expect(typeWell('teardown')).toContain('removing the whole set-up "default": 192.0.2.10 (ipip)');
    expect(host.snapshot()).toEqual(before);
  });

  test('one VIP in several tunnels, which is said; directors and MSS are added and taken away too', async () => {
    typeWell('setup --vip 192.0.2.10 --director 10.0.1.2 --interface eth0 --mss 1400');
    const second = type('setup --vip 192.0.2.10 --director 10.0.0.9 --tunnel gre --tunnel gue:6080');
    expect(second.stderr).toContain(
      'an earlier set-up also accepts 192.0.2.10 in ipip. To stop this: culvert realserver teardown --vip 192.0.2.10 --tunnel ipip',
    );
    server = await host.echoServer('192.0.2.10', PORT);
    for (const tunnel of [IPIP, GRE, GUE]) expect(await answers('4', tunnel), tunnel.type).toBe(true);
    expect(typeWell('status')).toContain('directors of default: 10.0.1.2, 10.0.0.9');
    expect(host.sh('nft list ruleset')).toContain('maxseg size set 1400');
    typeWell('setup --vip 192.0.2.11');
    expect(host.sh('nft list ruleset').match(/maxseg size set \d+/g)).toEqual([
      'maxseg size set 1400',
      'maxseg size set 1440',
    ]);

    typeWell('teardown --vip 192.0.2.10 --tunnel ipip');
    expect(await answers('4', IPIP)).toBe(false);
    expect(await answers('4', GRE)).toBe(true);
    typeWell('teardown --director 10.0.1.2');
    expect(await answers('4', GRE)).toBe(false);
    const last = type('teardown --director 10.0.0.9');
    expect(last).toMatchObject({ status: 1, stderr: expect.stringContaining('no director would be left') });
    typeWell('teardown');
    expect(host.snapshot()).toEqual(before);
  });

  test('two set-ups share an interface, and the last one that goes takes the host back', async () => {
    typeWell('setup --vip 192.0.2.10 --director 10.0.1.2 --interface eth0');
    typeWell(
      'setup --instance other --vip 2001:db8::10 --director 10.0.1.2 --interface eth0 --tunnel gue:6080',
    );
    server = await host.echoServer('192.0.2.10,2001:db8::10', PORT);
    typeWell('teardown');
    expect(await answers('4', IPIP)).toBe(false);
    await expect.poll(() => answers('6', GUE), { timeout: 20_000 }).toBe(true);
    expect(host.sh('sysctl -n net.ipv4.conf.all.arp_ignore')).toBe('1\n');
    typeWell('teardown --instance other');
    expect(host.snapshot()).toEqual(before);
  });

  test('another interface is another set-up', () => {
    host.sh('ip link add name second type veth peer name third');
    typeWell('setup --vip 192.0.2.10 --interface eth0 --director 10.0.1.2');
    const refused = type('setup --vip 192.0.2.11 --interface second --director 10.0.1.2');
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('--instance second') });
    expect(typeWell('verify')).not.toContain('FAIL');
  });

  test('what is on record is set up again after a reboot', () => {
    typeWell('setup --vip 192.0.2.10 --director 10.0.1.2 --interface eth0 --mss 1400');
    const path = join(host.directory, 'realserver-default.json');
    const record = execFileSync('sed', ['s/"bootId": ".*"/"bootId": "earlier"/', path], { encoding: 'utf8' });
    typeWell('teardown');
    writeFileSync(path, record);
    expect(typeWell('setup')).toContain('clamp the MSS of 192.0.2.10 to 1400');
    expect(typeWell('verify')).not.toContain('FAIL');
    typeWell('teardown');
    expect(type('setup')).toMatchObject({ status: 2, stderr: expect.stringContaining('--vip') });
  });

  test('the pins of an earlier version, which had a program for each set-up, are taken over without a gap', async () => {
    typeWell('setup --vip 192.0.2.10 --director 10.0.1.2 --interface eth0');
    const former = '/sys/fs/bpf/culvert/former_set-up';
    const ifIndex = host.inside(() => {
      using socket = new NetlinkSocket();
      return findLink(socket, 'eth0')?.index ?? 0;
    });
    // Such a program has a map of VIPs, made as that of the directors is, and none of tunnels: it takes IPIP.
    mkdirSync(former);
    using object = loadRealServerProgram({ entries: [], directors: [VIP] });
    using others = loadRealServerProgram({ entries: [], directors: [DIRECTOR] });
    using vips = object.map('directors');
    vips.pin(join(former, 'realserver_vips'));
    using directors = others.map('directors');
    directors.pin(join(former, 'realserver_directors'));
    using link = XdpLink.openPinned(join(host.pins, 'link'));
    link.pin(join(former, 'realserver_link'));
    for (const name of ['link', 'program', 'accepted', 'types', 'directors', 'counts'])
      rmSync(join(host.pins, name));
    const { programId } = link.info();

    const seen = host.inside(() => observeProgram(ifIndex));
    expect(seen?.accepts?.entries).toContainEqual({ vip: VIP, type: 'ipip', port: 0 });
    typeWell('setup --vip 2001:db8::10 --tunnel gre');
    expect(existsSync(former)).toBe(false);
    expect(link.info()).toMatchObject({ ifIndex, programId: expect.not.toSatisfy((id) => id === programId) });
    server = await host.echoServer('192.0.2.10,2001:db8::10', PORT);
    expect(await answers('4', IPIP)).toBe(true);
    await expect.poll(() => answers('6', GRE), { timeout: 20_000 }).toBe(true);
    typeWell('teardown');
    expect(host.sh('ip link show eth0')).not.toContain('xdp');
  });

  test('two network namespaces with one name and number of interface do not meet', async () => {
    const options = host.options({ instance: 'default' });
    host.inside(() => setupRealServer(options));
    using other = await new RealHost('o').ready();
    expect(() => other.inside(() => setupRealServer(options))).toThrowError(/another network namespace/);
    other.inside(() => setupRealServer({ ...options, stateDirectory: other.directory }));
    server = await host.echoServer('192.0.2.10', PORT);
    expect(await answers('4', IPIP)).toBe(true);
    const command = [CULVERT, 'realserver', 'teardown', '--state-directory', other.directory];
    execFileSync('nsenter', [`--net=/run/netns/${other.real}`, ...command]);
    expect(await answers('4', IPIP)).toBe(true);
    expect(existsSync(other.pins)).toBe(false);
  });

  test('what an interface that is gone has left is removed by the next set-up', async () => {
    const gone = await new RealHost('g').ready();
    gone.inside(() => setupRealServer(gone.options()));
    deleteNamespace(gone.real);
    // The kernel takes a namespace down a moment later.
    await expect
      .poll(() => {
        using link = XdpLink.openPinned(join(gone.pins, 'link'));
        return link.info().ifIndex;
      })
      .toBe(0);
    host.inside(() => setupRealServer(host.options()));
    expect(existsSync(gone.pins)).toBe(false);
    gone.capture.close();
    deleteNamespace(gone.wire);
    rmSync(gone.directory, { recursive: true });
  });

  describe("from a director's file", () => {
    const yaml = `
director: { interface: eth0 }
services:
  - vip: 192.0.2.10
    port: [53, 80]
    protocol: tcp
    reals: [{ address: 10.0.3.2 }, { address: 10.0.3.9 }]
  - vip: 2001:db8::10
    port: 53
    protocol: udp
    tunnel: { type: gue, port: 6080 }
    check: none
    reals: [{ address: 10.0.3.2 }]
  - vip: 192.0.2.12
    port: 80
    protocol: tcp
    reals: [{ address: 10.0.3.9 }]
`;
    const keepalived = `
virtual_server 192.0.2.10 53 {
  lvs_sched wrr
  lvs_method TUN
  protocol UDP
  real_server 10.0.3.2 53 {
    weight 1
  }
}
virtual_server 2001:db8::10 53 {
  lvs_sched wrr
  lvs_method TUN type gue port 6080 nocsum
  protocol UDP
  real_server 10.0.3.2 53 {
    weight 1
  }
}
`;
    test.for([
      ['culvert.yaml', yaml],
      ['keepalived.conf', keepalived],
    ] as const)('%s', async ([name, text]) => {
      const file = join(host.directory, name);
      writeFileSync(file, text);
      const missing = type(`setup --from ${file}`);
      expect(missing).toMatchObject({ status: 2, stderr: expect.stringContaining('--director') });
      typeWell(`setup --from ${file} --director 10.0.1.2`);
      expect(host.sh('ip -o addr show dev lo')).toContain('192.0.2.10/32');
      expect(host.sh('ip -o addr show dev lo')).not.toContain('192.0.2.12');
      const silent = type(`verify --from ${file}`);
      expect(silent).toMatchObject({ status: 1, stdout: expect.stringContaining('listener 192.0.2.10:53') });
      server = await host.echoServer('192.0.2.10,2001:db8::10', PORT);
      expect(await answers('4', IPIP)).toBe(true);
      await expect.poll(() => answers('6', GUE), { timeout: 20_000 }).toBe(true);
      typeWell(`teardown --from ${file}`);
      expect(typeWell('status')).toContain('nothing is set up');
    });

    test('that does not name this host', () => {
      const file = join(host.directory, 'culvert.yaml');
      writeFileSync(file, yaml.replaceAll('10.0.3.2', '10.0.3.3'));
      expect(type(`setup --from ${file} --director 10.0.1.2`)).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/culvert\.yaml: no service has an address of this host.*10\.0\.3\.2/),
      });
    });
  });

  test.for(['setup', 'verify', 'teardown --vip 192.0.2.10', 'setup --from /nowhere'])(
    'without privilege that is said first: %s',
    (command) => {
      const words = ['--bounding-set=-all', '--inh-caps=-all', CULVERT, 'realserver', ...command.split(' ')];
      const { status, stderr } = spawnSync('setpriv', words, { encoding: 'utf8' });
      expect(status).toBe(1);
      expect(stderr).toMatch(/needs CAP_NET_ADMIN and CAP_BPF \(or CAP_SYS_ADMIN\)/);
    },
  );
});
