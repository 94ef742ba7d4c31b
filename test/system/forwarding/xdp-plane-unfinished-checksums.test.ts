// client 198.51.100.2 ── eth0 ┐
//                             director ── eth1 ── 10.0.1.2 real, by "culvert realserver setup"
// All cables are veth with the offloads that they have by default: checksums of what a host sends are left to the receiver.
// The answers of the real go back to the client by the director, which is a router to them.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Program } from '../../../src/lab/namespaces/lab-program.ts';
import { connectNamespaces, runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));
const HTTP_REAL = fileURLToPath(new URL('../../../src/lab/programs/http-real.ts', import.meta.url));
const ECHO_SERVER = fileURLToPath(new URL('../realserver/echo-server.ts', import.meta.url));
const ECHO_ONCE = fileURLToPath(new URL('../xdp-plane/echo-once.ts', import.meta.url));
const VIPS = { 4: '192.0.2.10', 6: '2001:db8:10::10' } as const;
const REALS = { 4: '10.0.1.2', 6: '2001:db8:1::2' } as const;
const FAMILIES = [4, 6] as const;

/** XDP runs in native mode with the first MTU, and in generic mode with the second, which is more than a page holds. */
const MTUS = [
  ['native', 1500],
  ['generic', 9000],
] as const;

describe.skipIf(!able || !existsSync('/usr/bin/curl')).each(MTUS)(
  'packets with unfinished checksums, XDP in %s mode, MTU %i (needs root, build/bpf/director.bpf.o and curl)',
  (mode, mtu) => {
    const cleanUp = new AsyncDisposableStack();
    let network: WiredNetwork;
    let plane: RemotePlane;
    let directory: string;

    beforeAll(async () => {
      network = cleanUp.use(new WiredNetwork());
      network.addHosts('client', 'real', 'director');
      directory = mkdtempSync(join(tmpdir(), 'culvert-unfinished-'));
      cleanUp.defer(() => rmSync(directory, { recursive: true }));
      await cable('client', 'eth0');
      await cable('real', 'eth1');
      await address('client', 'eth0', '198.51.100.', '2001:db8:c::');
      await address('real', 'eth1', '10.0.1.', '2001:db8:1::');
      for (const path of ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'])
        network.sysctl('director', path, '1');
      await setUpReal();
      await serve();
      plane = await RemotePlane.open(network.namespace('director'), `unfinished-${network.id}`, {
        interfaces: ['eth0', 'eth1'],
      });
      cleanUp.defer(() => plane.remove());
      const services = FAMILIES.flatMap((family) => {
        const reals = [{ address: ip(REALS[family]), weight: 1, serving: true }];
        const service = { ...SERVICE, vip: ip(VIPS[family]), reals };
        return [
          service,
          { ...service, port: 81, scheduler: 'wlc' as const },
          { ...service, protocol: 'udp' as const, port: 53 },
          { ...service, protocol: 'udp' as const, port: 54, scheduler: 'lc' as const },
        ];
      });
      await plane.apply({ ...TABLE, services });
    });

    afterAll(() => cleanUp.disposeAsync());

    async function cable(host: string, near: string): Promise<void> {
      const far = { namespace: network.namespace(host), name: 'eth0' };
      connectNamespaces({ namespace: network.namespace('director'), name: near }, far);
      await network.ip('director', `link set ${near} mtu ${mtu}`);
      await network.ip(host, `link set eth0 mtu ${mtu}`);
    }

    async function address(host: string, near: string, net4: string, net6: string): Promise<void> {
      await network.ip(
        'director',
        `address add ${net4}1/24 dev ${near}`,
        `address add ${net6}1/64 dev ${near} nodad`,
      );
      await network.ip(host, `address add ${net4}2/24 dev eth0`, `address add ${net6}2/64 dev eth0 nodad`);
      await network.ip(host, `route add default via ${net4}1`, `route add default via ${net6}1`);
    }

    async function setUpReal(): Promise<void> {
      const vips = FAMILIES.flatMap((family) => ['--vip', VIPS[family]]);
      const directors = ['--director', '10.0.1.1', '--director', '2001:db8:1::1'];
      const how = ['--interface', 'eth0', '--decapsulation', 'xdp', '--mss', 'none'];
      const naming = ['--instance', `uf-${network.id}`, '--state-directory', directory];
      const command = [CULVERT, 'realserver', 'setup', ...vips, ...directors, ...how, ...naming];
      await runInNamespace(network.namespace('real'), command);
      cleanUp.defer(async () => {
        await runInNamespace(network.namespace('real'), [CULVERT, 'realserver', 'teardown', ...naming]);
      });
    }

    async function serve(): Promise<void> {
      const listen = FAMILIES.flatMap((family) => ['--listen', VIPS[family]]);
      const ports = ['--port', '80', '--port', '81'];
      const http = [process.execPath, HTTP_REAL, '--name', 'real', ...listen, ...ports];
      const echoes = ['53', '54'].map((port) => [
        process.execPath,
        ECHO_SERVER,
        Object.values(VIPS).join(),
        port,
      ]);
      for (const command of [http, ...echoes]) {
        const program = cleanUp.use(new Program(network.namespace('real'), command));
        await program.waitFor(/listening|ready/);
      }
    }

    async function checksumErrors(host: string): Promise<string> {
      const counters = await runInNamespace(network.namespace(host), [
        'cat',
        '/proc/net/snmp',
        '/proc/net/snmp6',
      ]);
      const [names = [], values = []] = counters
        .split('\n')
        .filter((line) => line.startsWith('Tcp:'))
        .map((line) => line.split(' '));
      const tcp = values[names.indexOf('InCsumErrors')];
      return `${tcp} ${/^Udp6InCsumErrors\s+(\d+)/m.exec(counters)?.[1]}`;
    }

    test('the program is attached in this mode', async () => {
      const link = await runInNamespace(network.namespace('director'), ['ip', 'link', 'show', 'eth0']);
      expect(/\bxdp(generic)?\b/.exec(link)?.[1] === undefined ? 'native' : 'generic').toBe(mode);
    });

    test.each(
      FAMILIES.flatMap((family) =>
        [80, 81].flatMap((port) => [0, 10, 5000, 2_000_000].map((bytes) => ({ family, port, bytes }))),
      ),
    )('TCP over IPv$family to port $port, $bytes bytes sent', async ({ family, port, bytes }) => {
      const file = join(directory, 'upload');
      writeFileSync(file, Buffer.alloc(bytes, 'culvert '));
      const host = family === 4 ? VIPS[4] : `[${VIPS[6]}]`;
      const command = [
        'curl',
        '-s',
        '--max-time',
        '10',
        '--data-binary',
        `@${file}`,
        `http://${host}:${port}/`,
      ];
      const answer = await runInNamespace(network.namespace('client'), command);
      expect(answer).toBe(`real received ${bytes}\n`);
    });

    test.each(
      FAMILIES.flatMap((family) =>
        [53, 54].flatMap((port) => [1, 512, 1301].map((bytes) => ({ family, port, bytes }))),
      ),
    )('UDP over IPv$family to port $port, $bytes bytes', async ({ family, port, bytes }) => {
      const command = [process.execPath, ECHO_ONCE, VIPS[family], `${port}`, `${bytes}`];
      expect(await runInNamespace(network.namespace('client'), command)).toBe(`${bytes}\n`);
    });

    test.each(FAMILIES)(
      'a check over IPv%i through the tunnel, whose answers come back in the same way',
      async (family) => {
        await plane.check({ via: 'tunnel', vip: ip(VIPS[family]), port: 80, real: ip(REALS[family]) });
      },
    );

    test('the real has seen no wrong checksum', async () => {
      expect(await checksumErrors('real')).toBe('0 0');
    });
  },
);
