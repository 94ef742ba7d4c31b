// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0), whose maps, program, TAP device and routing others change
//                          └────── 10.0.1.2 real
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  SERVICE as ENTRY,
  REAL as REAL_LAYOUT,
  SETTINGS,
} from '../../../src/forwarding/image/tables/layout.ts';
import { BpfMap } from '../../../src/linux/bpf/map.ts';
import { openBpfObject } from '../../../src/linux/bpf/object.ts';
import { XdpLink } from '../../../src/linux/bpf/xdp-link.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { findLink } from '../../../src/linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { PlaneFixture } from '../xdp-plane/fixture.ts';
import { REAL, receive, tcp, VIP } from '../xdp-plane/packets.ts';
import { able, TABLE } from '../xdp-plane/table.ts';
import { PASS_OBJECT } from '../xdp-plane/topology.ts';

const OWN_MAPS = ['settings', 'services', 'reals', 'slots'] as const;
const BPFTOOL = '/usr/sbin/bpftool';

function entryOf(bytes: Uint8Array<ArrayBuffer>, port: number): number {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += ENTRY.size)
    if (view.getUint16(at + ENTRY.portBe) === port && view.getUint8(at + ENTRY.kind) !== 0) return at;
  throw new Error('no such service');
}

describe.skipIf(!able)('drift of the xdp plane (needs root and build/bpf/director.bpf.o)', () => {
  let fixture: PlaneFixture;
  let pins: string;

  beforeAll(async () => {
    fixture = await PlaneFixture.build();
    pins = `/sys/fs/bpf/culvert/${fixture.instance}`;
  });

  beforeEach(async () => {
    await fixture.plane.mendDrift();
    fixture.plane.events.length = 0;
    fixture.forgetCaptured();
  });

  afterAll(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  /** What `work` sees is the map's own memory. */
  function withMap<Result>(name: string, work: (bytes: Uint8Array<ArrayBuffer>) => Result): Result {
    using map = BpfMap.openPinned(join(pins, 'maps', name));
    using memory = map.mmap();
    return work(new Uint8Array(memory.buffer));
  }

  /** Of all that the control plane alone writes; but for the clock and the outer ID. */
  function image(): Record<string, Buffer> {
    const parts = OWN_MAPS.map((name) => [name, withMap(name, (bytes) => Buffer.from(bytes))] as const);
    const memory = Object.fromEntries(parts);
    memory['settings']
      ?.fill(0, SETTINGS.now, SETTINGS.now + 4)
      .fill(0, SETTINGS.outerId, SETTINGS.outerId + 4);
    return memory;
  }

  function expectSameImage(before: Record<string, Buffer>): void {
    const after = image();
    for (const name of OWN_MAPS)
      expect([name, before[name]?.equals(after[name] as Buffer)]).toEqual([name, true]);
  }

  async function found(): Promise<string[]> {
    await fixture.plane.mendDrift();
    await vi.waitFor(() => expect(fixture.plane.events.some(({ type }) => type === 'drift')).toBe(true));
    return fixture.plane.events.flatMap((event) =>
      event.type === 'drift' ? [`${event.found}; ${event.done}`] : [],
    );
  }

  async function expectForwarding(port: number): Promise<void> {
    const { handedOver } = await fixture.plane.counters();
    fixture.client.send(tcp(port), VIP);
    await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
    expect((await fixture.plane.counters()).handedOver).toBe(handedOver);
  }

  function inDirector(...command: string[]): Promise<string> {
    return runInNamespace(fixture.network.namespace('director'), command);
  }

  test('nothing that the plane itself does is taken for drift', async () => {
    await expectForwarding(41_000);
    await fixture.plane.apply({ ...TABLE, services: TABLE.services.slice(0, 1) });
    await fixture.plane.apply(TABLE);
    await fixture.plane.mendDrift();
    await expectForwarding(41_001);
    expect(fixture.plane.events.filter(({ type }) => type === 'drift')).toEqual([]);
  });

  test('a service, a real, a slot and a setting that others changed are put back, and nothing else is touched', async () => {
    const before = image();
    withMap('services', (bytes) => {
      const at = entryOf(bytes, 80);
      bytes.fill(0, at, at + ENTRY.size);
    });
    withMap('reals', (bytes) =>
      new DataView(bytes.buffer).setUint32(REAL_LAYOUT.size + REAL_LAYOUT.outerDestinationBe, 0x0a09_0909),
    );
    withMap('slots', (bytes) => bytes.fill(0xff, 0, 4));
    withMap('settings', (bytes) => bytes.fill(1, SETTINGS.hashKey, SETTINGS.hashKey + 16));
    const told = await found();
    expectSameImage(before);
    expect(told.map((text) => text.replace(/ entry \d+/, ' entry'))).toEqual([
      'others wrote to the setting hashKey of the fast path; put back',
      'others wrote to the entry of tcp 192.0.2.10:80 in the service table; put back',
      expect.stringMatching(
        /^others wrote to the entry of real 10\.0\.1\.2 of (tcp|udp) 192\.0\.2\.10:\d+; put back$/,
      ),
      expect.stringMatching(/^others wrote to 1 slot of (tcp|udp) 192\.0\.2\.10:\d+; put back$/),
    ]);
    await expectForwarding(41_002);
  });

  test.skipIf(!existsSync(BPFTOOL))(
    'what bpftool writes is found within some seconds, unasked',
    async () => {
      const before = image();
      const map = join(pins, 'maps', 'slots');
      const value = Array(64).fill('ff').join(' ');
      await inDirector('sh', '-c', `${BPFTOOL} map update pinned ${map} key 0 0 0 0 value hex ${value}`);
      await vi.waitFor(() => expect(fixture.plane.events.some(({ type }) => type === 'drift')).toBe(true), {
        timeout: 100_000,
        interval: 100,
      });
      expectSameImage(before);
    },
    40_000,
  );

  test('the program cannot be taken off by ip; its link, once detached, is made anew', async () => {
    await inDirector('ip', 'link', 'set', 'dev', 'eth0', 'xdp', 'off').catch(() => undefined);
    expect(fixture.programId()).toBeDefined();
    {
      using link = XdpLink.openPinned(join(pins, 'links', 'eth0'));
      link.detach();
    }
    expect(fixture.programId()).toBeUndefined();
    expect(await found()).toEqual(['the program is no longer attached to eth0; attached again']);
    expect(fixture.programId()).toBeDefined();
    await expectForwarding(41_003);
  });

  test('another program in its place is replaced; one that was attached meanwhile is not', async () => {
    const own = fixture.programId();
    using object = openBpfObject(readFileSync(PASS_OBJECT));
    using program = object.program('pass');
    {
      using link = XdpLink.openPinned(join(pins, 'links', 'eth0'));
      link.update(program);
    }
    expect(fixture.programId()).not.toBe(own);
    expect((await found())[0]).toMatch(
      /^another XDP program \(id \d+\) in the place of the director's on eth0; replaced$/,
    );
    await expectForwarding(41_004);

    {
      using link = XdpLink.openPinned(join(pins, 'links', 'eth0'));
      link.detach();
    }
    fixture.plane.events.length = 0;
    await inDirector('ip', 'link', 'set', 'dev', 'eth0', 'xdp', 'obj', PASS_OBJECT, 'sec', 'xdp');
    const occupied = /^the program is no longer attached to eth0; not fixed: .*another XDP program .*xdp off/;
    expect(await found()).toEqual([expect.stringMatching(occupied)]);
    // What stays as it is is told once.
    expect(await found()).toHaveLength(1);
    await inDirector('ip', 'link', 'set', 'dev', 'eth0', 'xdp', 'off');
    expect((await found()).at(-1)).toBe('the program is no longer attached to eth0; attached again');
    await expectForwarding(41_005);
  });

  test('pins that are gone are there again, so that the next start takes over', async () => {
    const program = fixture.programId();
    rmSync(join(pins, 'links', 'eth0'));
    rmSync(join(pins, 'maps', 'flows'));
    rmSync(join(pins, 'build'));
    expect(await found()).toEqual([
      `the pin ${pins}/links/eth0 is gone; pinned again`,
      `pins in ${pins} are gone; pinned again`,
    ]);
    await fixture.plane.kill();
    await fixture.reopen();
    await fixture.plane.apply(TABLE);
    expect(fixture.programId()).toBe(program);
    await expectForwarding(41_006);
  });

  test.each(['cv', 'ca'])('the TAP device %s is made anew, and checks go on', async (prefix) => {
    const target = { via: 'tunnel', vip: VIP, port: 80, real: REAL } as const;
    const expectChecks = async (): Promise<void> => {
      await fixture.whileRefusingTunnels(() =>
        expect(fixture.plane.check(target)).rejects.toThrow('protocol unreachable'),
      );
      await fixture.whileAnsweringChecks(() => fixture.plane.check(target));
    };
    using netlink = new NetlinkSocket(fixture.network.namespace('director'));
    const devices = await inDirector('ip', '-o', 'link');
    const name = new RegExp(`${prefix}-[^:@]+`).exec(devices)?.[0] ?? '';
    await expectChecks();
    await inDirector('ip', 'link', 'set', name, 'down');
    expect(await found()).toEqual([`the TAP device ${name}: it is down; put back`]);
    await expectChecks();

    fixture.plane.events.length = 0;
    const former = findLink(netlink, name)?.index;
    await inDirector('ip', 'link', 'del', name);
    expect(await found()).toContain(`the TAP device ${name} is gone; created again`);
    expect(findLink(netlink, name)?.index).not.toBe(former);
    await expectChecks();
    await fixture.plane.mendDrift();
    // What is rare comes to the new device: a packet that the fast path does not take.
    const { reasons } = await fixture.plane.counters();
    fixture.client.send(tcp(41_007, { data: 1460 }), VIP);
    await vi.waitFor(async () =>
      expect((await fixture.plane.counters()).reasons['too-big']).toBe((reasons['too-big'] ?? 0) + 1),
    );
  });
});
