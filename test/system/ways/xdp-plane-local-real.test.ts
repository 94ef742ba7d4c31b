// client 198.51.100.2 ── eth0 ┐
//                             director ── eth1 ── 10.0.1.2 real, which takes nothing apart
// The director is a real of its own services too: at 127.0.0.1, ::1 and at its addresses. Its HTTP server listens on all
// addresses, and no VIP is an address of it. All cables have the offloads that veth has by default.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SchedulerName, Service } from '../../../src/forwarding/forwarding-table.ts';
import { Program } from '../../../src/lab/namespaces/lab-program.ts';
import { connectNamespaces, runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const HTTP_REAL = fileURLToPath(new URL('../../../src/lab/programs/http-real.ts', import.meta.url));
const ECHO_SERVER = fileURLToPath(new URL('../realserver/echo-server.ts', import.meta.url));
const ECHO_ONCE = fileURLToPath(new URL('../xdp-plane/echo-once.ts', import.meta.url));
const VIPS = { 4: '192.0.2.10', 6: '2001:db8:10::10' } as const;
const LOOPBACK = { 4: '127.0.0.1', 6: '::1' } as const;
const FAMILIES = [4, 6] as const;
/** A service of each kind of the image, by its port. */
const SCHEDULERS: Readonly<Record<number, SchedulerName>> = { 80: 'mh', 81: 'rr', 82: 'wlc' };
const SOON = { timeout: 15_000, interval: 200 } as const;

describe.skipIf(!able || !existsSync('/usr/bin/curl'))(
  'a real that is the director itself (needs root, build/bpf/director.bpf.o and curl)',
  () => {
    const cleanUp = new AsyncDisposableStack();
    let network: WiredNetwork;
    let plane: RemotePlane;
    const instance = (): string => `local-${network.id}`;

    beforeAll(async () => {
      network = cleanUp.use(new WiredNetwork());
      network.addHosts('client', 'real', 'director');
      await cable('client', 'eth0', '198.51.100.', '2001:db8:c::');
      await cable('real', 'eth1', '10.0.1.', '2001:db8:1::');
      const ports = Object.keys(SCHEDULERS).flatMap((port) => ['--port', port]);
      const http = [process.execPath, HTTP_REAL, '--name', 'director', '--listen', '::', ...ports];
      const echo = [process.execPath, ECHO_SERVER, '::', '53'];
      for (const command of [http, echo]) {
        const program = cleanUp.use(new Program(network.namespace('director'), command));
        await program.waitFor(/listening|ready/);
      }
      plane = await RemotePlane.open(network.namespace('director'), instance());
      cleanUp.defer(() => plane.remove());
    });

    beforeEach(() => serve(LOOPBACK));

    afterAll(() => cleanUp.disposeAsync());

    async function cable(host: string, near: string, net4: string, net6: string): Promise<void> {
      const far = { namespace: network.namespace(host), name: 'eth0' };
      connectNamespaces({ namespace: network.namespace('director'), name: near }, far);
      const own = [`address add ${net4}1/24 dev ${near}`, `address add ${net6}1/64 dev ${near} nodad`];
      await network.ip('director', ...own);
      await network.ip(host, `address add ${net4}2/24 dev eth0`, `address add ${net6}2/64 dev eth0 nodad`);
      await network.ip(host, `route add default via ${net4}1`, `route add default via ${net6}1`);
    }

    async function serve(reals: Readonly<Record<IpFamily, string>>): Promise<void> {
      await plane.apply({
        ...TABLE,
        services: FAMILIES.flatMap((family) => services(family, reals[family])),
      });
    }

    function curl(family: IpFamily, port = 80, ...more: readonly string[]): Promise<string> {
      const host = family === 4 ? VIPS[4] : `[${VIPS[6]}]`;
      const command = ['curl', '-s', '--max-time', '5', ...more, `http://${host}:${port}/`];
      return runInNamespace(network.namespace('client'), command).catch(() => 'no answer');
    }

    function localRoutes(family: IpFamily): Promise<string> {
      const command = ['ip', `-${family}`, 'route', 'show', 'table', 'local', 'proto', '199'];
      return runInNamespace(network.namespace('director'), command);
    }

    const cases = FAMILIES.flatMap((family) =>
      Object.keys(SCHEDULERS).map((port) => ({ family, port: Number(port) })),
    );

    test.each(cases)('serves over IPv$family, port $port', async ({ family, port }) => {
      expect(await curl(family, port)).toBe('director\n');
      const upload = ['--data-binary', 'x'.repeat(50_000)];
      expect(await curl(family, port, ...upload)).toBe('director received 50000\n');
    });

    test.each(FAMILIES)(
      'serves UDP over IPv%i, of which the slow path delivers the first datagram',
      async (family) => {
        const command = [process.execPath, ECHO_ONCE, VIPS[family], '53', '600'];
        expect(await runInNamespace(network.namespace('client'), command)).toBe('600\n');
      },
    );

    test('is counted, and its flows are remembered', async () => {
      await curl(4, 82);
      const { services: counted } = await plane.counters();
      const of = counted.find(({ key }) => key.port === 82 && key.vip === ip(VIPS[4]));
      expect(of?.connections).toBeGreaterThan(0);
      expect(of?.packets).toBeGreaterThan(4);
      const flows = await plane.flows();
      expect(flows.some(({ service, real }) => service.port === 82 && real === ip(LOOPBACK[4]))).toBe(true);
    });

    test.each(FAMILIES)(
      'is checked at its own stack over IPv%i, through the tunnel or direct',
      async (family) => {
        const real = ip(LOOPBACK[family]);
        await plane.check({ via: 'tunnel', vip: ip(VIPS[family]), port: 80, real });
        await plane.check({ via: 'direct', address: real, port: 80 });
        await plane.ping({ via: 'tunnel', vip: ip(VIPS[family]), port: 80, real });
        await expect(plane.check({ via: 'tunnel', vip: ip(VIPS[family]), port: 9, real })).rejects.toThrow(
          /refused/,
        );
      },
    );

    test('its VIPs are local only as long as it is a real, by routes of culvert’s own', async () => {
      expect(await localRoutes(4)).toContain(`local ${VIPS[4]} dev cv-`);
      expect(await localRoutes(6)).toContain(`local ${VIPS[6]} dev cv-`);
      await serve({ 4: '10.0.1.2', 6: '2001:db8:1::2' });
      expect(await localRoutes(4)).toBe('');
      expect(await localRoutes(6)).toBe('');
      expect(await curl(4)).toBe('no answer');
    });

    test('an address of an interface is one too, as soon and as long as the director has it', async () => {
      await serve({ 4: '10.0.1.77', 6: '2001:db8:1::77' });
      expect(await curl(4)).toBe('no answer');
      await network.ip(
        'director',
        'address add 10.0.1.77/32 dev eth1',
        'address add 2001:db8:1::77/128 dev lo nodad',
      );
      await expect.poll(() => curl(4), SOON).toBe('director\n');
      await expect.poll(() => curl(6), SOON).toBe('director\n');
      await network.ip(
        'director',
        'address delete 10.0.1.77/32 dev eth1',
        'address delete 2001:db8:1::77/128 dev lo',
      );
      await expect.poll(() => localRoutes(4), SOON).toBe('');
      expect(await curl(4)).toBe('no answer');
    });

    test('a VIP that is an address of the director needs no route, and has one when the address goes', async () => {
      await serve({ 4: '10.0.1.2', 6: '2001:db8:1::2' });
      await network.ip('director', `address add ${VIPS[4]}/32 dev lo`);
      await serve(LOOPBACK);
      expect(await localRoutes(4)).toBe('');
      expect(await curl(4)).toBe('director\n');
      await network.ip('director', `address delete ${VIPS[4]}/32 dev lo`);
      await expect.poll(() => curl(4), SOON).toBe('director\n');
    });

    test('a VIP that the host’s stack claims is left to the host', async () => {
      const claimed = services(4, LOOPBACK[4]).map((service) => ({ ...service, claim: 'host' as const }));
      await plane.apply({ ...TABLE, services: claimed });
      expect(await localRoutes(4)).toBe('');
      await plane.check({ via: 'tunnel', vip: ip(VIPS[4]), port: 80, real: ip(LOOPBACK[4]) });
      await network.ip('director', `address add ${VIPS[4]}/32 dev eth0`);
      expect(await curl(4)).toBe('director\n');
      await network.ip('director', `address delete ${VIPS[4]}/32 dev eth0`);
      expect(await localRoutes(4)).toBe('');
    });

    test('the kernel’s answers to ARP elsewhere are warned of', () => {
      const said = plane.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
      expect(said).toContainEqual(
        expect.stringMatching(/the kernel answers ARP for that on eth1 too.*arp_ignore=1/),
      );
    });

    test('goes on while the daemon is dead, and leaves nothing behind when forwarding ends', async () => {
      await plane.kill();
      expect(await curl(4)).toBe('director\n');
      expect(await curl(6, 81)).toBe('director\n');
      plane = await RemotePlane.open(network.namespace('director'), instance());
      await serve(LOOPBACK);
      expect(await curl(4)).toBe('director\n');
      await plane.remove();
      expect(await localRoutes(4)).toBe('');
      expect(await localRoutes(6)).toBe('');
      plane = await RemotePlane.open(network.namespace('director'), instance());
    });
  },
);

function services(family: IpFamily, address: string): Service[] {
  const reals = [{ address: ip(address), weight: 1, serving: true }];
  const common = { ...SERVICE, vip: ip(VIPS[family]), reals };
  const udp = { ...common, protocol: 'udp' as const, port: 53, scheduler: 'lc' as const };
  const tcp = Object.entries(SCHEDULERS).map(([port, scheduler]) => ({
    ...common,
    port: Number(port),
    scheduler,
  }));
  return [...tcp, udp];
}
