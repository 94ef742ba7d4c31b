// The kernel's ipip, where there is one (namespaces: realserver/host.ts).
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errnoOf } from '../../src/linux/errno.ts';
import { inNamespace } from '../../src/linux/namespace-thread.ts';
import { findLink } from '../../src/linux/netlink/link.ts';
import { NetlinkSocket } from '../../src/linux/netlink/socket.ts';
import { createTunnel } from '../../src/linux/netlink/tunnel.ts';
import { createNamespace, deleteNamespace } from '../../src/linux/netns.ts';
import { readSysctl, writeSysctl } from '../../src/linux/sysctl.ts';
import { setupRealServer } from '../../src/realserver/setup.ts';
import { teardownRealServer } from '../../src/realserver/teardown.ts';
import { verifyRealServer } from '../../src/realserver/verify.ts';
import { RealHost } from './realserver/host.ts';
import { clientPacket, outerFragments, tunnelled } from './realserver/tunnel-frames.ts';

const root = process.getuid?.() === 0;

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

describe.skipIf(!root || !hasIpip())('a real server by ipip (needs root and a kernel with ipip)', () => {
  let host: RealHost;
  let server: ChildProcess | undefined;
  let before: Record<string, string>;

  beforeAll(async () => {
    host = await new RealHost('k').ready();
    before = host.snapshot();
    const options = host.options({ decapsulation: 'kernel', directors: [] });
    const summary = inNamespace(host.real, () => setupRealServer(options));
    expect(summary).toMatchObject({
      decapsulation: 'kernel',
      warnings: ['no director is named: tunnel packets are accepted from anyone'],
    });
    server = await host.echoServer('192.0.2.10', 53);
  });
  afterAll(() => {
    server?.kill();
    host?.[Symbol.dispose]();
  });

  test.for([
    ['one packet', [tunnelled(clientPacket(600))]],
    ['outer fragments', outerFragments(clientPacket(1472), 1500, { id: 9 })],
  ] as const)('answers %s', async ([, packets]) => {
    for (const packet of packets) host.send(packet);
    expect(await host.receive((frame) => (frame[23] === 17 ? true : undefined))).toBe(true);
  });

  test('is found to be well, and is taken back', () => {
    const options = host.options({ directors: [] });
    const { findings } = host.inside(() => verifyRealServer({ ...options, ports: [53] }));
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    host.inside(() => teardownRealServer(options));
    expect(host.snapshot()).toEqual(before);
  });
});
