// The kernel's tunnel devices, where there are any (namespaces: realserver/host.ts).
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { formatTunnel } from '../../../src/forwarding/tunnel/kind.ts';
import { errnoOf } from '../../../src/linux/errno.ts';
import { createNamespace, deleteNamespace } from '../../../src/linux/namespaces/netns.ts';
import { findLink } from '../../../src/linux/netlink/devices/link.ts';
import { createTunnel } from '../../../src/linux/netlink/devices/tunnel.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { readSysctl, writeSysctl } from '../../../src/linux/sysctl.ts';
import type { IpFamily } from '../../../src/net/address/ip-address.ts';
import { ANYONE } from '../../../src/realserver/program/address-keys.ts';
import { setupRealServer } from '../../../src/realserver/setup.ts';
import { teardownRealServer } from '../../../src/realserver/teardown.ts';
import { verifyRealServer } from '../../../src/realserver/verify/verify.ts';
import { encapsulated, encapsulatedFragments } from './encapsulated.ts';
import { type Changed, RealHost } from './host.ts';
import { GUE_PORT, inner } from './tunnel-cases.ts';
import { REAL6, VIP, VIP6 } from './tunnel-frames.ts';

const root = process.getuid?.() === 0;

/** The devices tunl0 and sit0, ip6tnl0, gre0, ip6gre0, and those of our own where there are checksums. */
const SETUPS = (
  [
    [{ type: 'ipip' }, 4],
    [{ type: 'ipip' }, 6],
    [{ type: 'gre', checksum: 'none' }, 4],
    [{ type: 'gre', checksum: 'none' }, 6],
    [{ type: 'gre', checksum: 'full' }, 4],
    [{ type: 'gre', checksum: 'full' }, 6],
    [{ type: 'gue', checksum: 'none', port: GUE_PORT }, 4],
    [{ type: 'gue', checksum: 'remote', port: GUE_PORT }, 4],
    [{ type: 'gue', checksum: 'full', port: GUE_PORT }, 6],
  ] satisfies [Tunnel, IpFamily][]
).map(([tunnel, outer]) => ({ name: `${formatTunnel(tunnel)} in IPv${outer}`, tunnel, outer }));

function hasIpip(): boolean {
  if (existsSync('/sys/module/ipip')) return true;
  try {
    execFileSync('modprobe', ['--dry-run', '--quiet', 'ipip'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!root)('a device of the kernel (needs root)', () => {
  let host: RealHost;

  beforeAll(() => {
    host = new RealHost('d');
  });
  afterAll(() => host?.[Symbol.dispose]());

  test.skipIf(hasIpip())('without ipip the kernel says so (needs a kernel without ipip)', () => {
    const create = (): void => {
      using socket = new NetlinkSocket(host.real);
      createTunnel(socket, { kind: 'ipip', name: 'tunl9' });
    };
    let failure: unknown;
    try {
      create();
    } catch (error) {
      failure = error;
    }
    expect(errnoOf(failure)).toBe('EOPNOTSUPP');
    const options = host.options({ decapsulation: 'kernel' });
    expect(() => host.inside(() => setupRealServer(options))).toThrowError(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
  });

  test.skipIf(!hasIpip())('an ipip device is made by netlink (needs a kernel with ipip)', () => {
    // Otherwise the module's own tunl0 is there already, and the kernel allows one device for the packets of everyone.
    const own = 'net/core/fb_tunnels_only_for_init_net';
    const namespace = `cvd${process.pid}`;
    const former = readSysctl(own) ?? '0';
    writeSysctl(own, '1');
    try {
      createNamespace(namespace);
      using socket = new NetlinkSocket(namespace);
      createTunnel(socket, { kind: 'ipip', name: 'tunl9' });
      expect(findLink(socket, 'tunl9')?.kind).toBe('ipip');
      expect(() => createTunnel(socket, { kind: 'ipip', name: 'tunl8' })).toThrowError(/EEXIST/);
    } finally {
      deleteNamespace(namespace);
      writeSysctl(own, former);
    }
  });
});

describe.skipIf(!root || !hasIpip())(
  "a real server by the kernel's devices (needs root and a kernel with ipip)",
  () => {
    let host: RealHost;
    let server: ChildProcess | undefined;
    let before: Record<string, string>;
    let id = 0;

    beforeAll(async () => {
      host = await new RealHost('k').ready();
      before = host.snapshot();
      // The server's addresses come and go with each set-up.
      host.sh('sysctl -q net.ipv4.ip_nonlocal_bind=1 net.ipv6.ip_nonlocal_bind=1');
      server = await host.echoServer('192.0.2.10,2001:db8::10', 53);
      host.sh('sysctl -q net.ipv4.ip_nonlocal_bind=0 net.ipv6.ip_nonlocal_bind=0');
    });
    afterAll(() => {
      server?.kill();
      host?.[Symbol.dispose]();
    });

    test.for(SETUPS)('$name', async ({ tunnel, outer }) => {
      const directors = outer === 4 ? [] : [ANYONE[6]];
      const changes: Changed = { vips: [VIP, VIP6], directors, decapsulation: 'kernel', tunnel };
      const { decapsulation, warnings } = host.inside(() => setupRealServer(host.options(changes)));
      expect([decapsulation, warnings]).toEqual(['kernel', [expect.stringContaining('from anyone')]]);
      for (const family of [4, 6] as const) {
        const packet = inner(family, 600 + ++id);
        expect(await host.echoes(packet, [encapsulated(packet, { tunnel, outer })]), `IPv${family}`).toBe(
          true,
        );
      }
      const { findings } = host.inside(() =>
        verifyRealServer(host.verifyOptions({ ...changes, ports: [53] })),
      );
      expect(findings.filter(({ ok }) => !ok)).toEqual([]);
      // Set-up adds, and GRE devices accept packets with checksums or without them.
      host.inside(() => teardownRealServer(host.naming()));
      expect(host.snapshot()).toEqual(before);
    });

    test('one set-up after another: all of their tunnels are accepted', async () => {
      const tunnels = [
        { type: 'ipip' },
        { type: 'gre', checksum: 'none' },
        { type: 'gue', checksum: 'none', port: GUE_PORT },
      ] as const satisfies Tunnel[];
      const common: Changed = { vips: [VIP, VIP6], directors: [], decapsulation: 'kernel' };
      for (const tunnel of tunnels) host.inside(() => setupRealServer(host.options({ ...common, tunnel })));
      for (const tunnel of tunnels) {
        const packet = inner(4, 600 + ++id);
        expect(await host.echoes(packet, [encapsulated(packet, { tunnel, outer: 4 })]), tunnel.type).toBe(
          true,
        );
      }
      host.inside(() => teardownRealServer(host.naming()));
      expect(host.snapshot()).toEqual(before);
    });

    test('outer fragments are put together by the kernel', async () => {
      const tunnel = { type: 'ipip' } as const;
      const options = host.options({ vips: [VIP, VIP6], directors: [], decapsulation: 'kernel', tunnel });
      host.inside(() => setupRealServer(options));
      const packet = inner(4, 1400);
      const fragments = encapsulatedFragments(packet, { tunnel, outer: 4, id: 9 }, 1400);
      expect(await host.echoes(packet, fragments)).toBe(true);
    });

    test('the VIP stays silent in neighbour discovery', async () => {
      expect(await host.advertises(REAL6, 'everyone')).toBe(true);
      for (const asked of ['everyone', 'the real'] as const)
        expect(await host.advertises(VIP6, asked)).toBe(false);
    });

    test('everything is taken back', () => {
      host.inside(() => teardownRealServer(host.naming()));
      expect(host.snapshot()).toEqual(before);
    });
  },
);
