// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0), whose process is killed, closed and started anew
//                          └────── 10.0.1.2 real, which takes nothing apart: what comes to it is captured
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listLinks } from '../../../src/linux/netlink/devices/link.ts';
import { listMarkRules } from '../../../src/linux/netlink/rule.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { readU16 } from '../../../src/net/bytes.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { PlaneFixture } from '../xdp-plane/fixture.ts';
import { CLIENT, delay, REAL, receive, tcp, udp, VIP } from '../xdp-plane/packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, DIRECTOR_OBJECT, TABLE } from '../xdp-plane/table.ts';

describe.skipIf(!able)('taking over the xdp plane (needs root and build/bpf/director.bpf.o)', () => {
  let fixture: PlaneFixture;

  beforeAll(async () => {
    fixture = await PlaneFixture.build();
  });

  beforeEach(() => fixture.forgetCaptured());

  afterAll(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  test('a second director on the interface is refused, with the pid of the first', async () => {
    const second = RemotePlane.open(fixture.network.namespace('director'), `${fixture.instance}b`);
    await expect(second).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringMatching(/^eth0: another director \(pid \d+\) holds this interface/) as string,
    });
  });

  test('after a kill -9 forwarding goes on, and the next start takes over without losing a packet', async () => {
    const before = await fixture.plane.counters();
    const program = fixture.programId();
    let sent = 0;
    const stop = new AbortController();
    const stream = (async () => {
      for (; !stop.signal.aborted; sent++) {
        fixture.client.send(udp(50_000, Uint8Array.of(sent >>> 8, sent & 0xff)), VIP);
        await delay(1);
      }
    })();
    await delay(50);
    await fixture.plane.kill();
    await delay(100);
    await fixture.reopen();
    expect((await fixture.plane.services()).map(({ port }) => port).toSorted((a, b) => a - b)).toEqual([
      53, 80,
    ]);
    await fixture.plane.apply(TABLE);
    await delay(50);
    stop.abort();
    await stream;
    const arrived = await receive(fixture.atReal, { protocol: PROTOCOL.ipip, count: sent });
    expect(arrived.map(({ packet }) => readU16(packet, 48))).toEqual(
      Array.from({ length: sent }, (_, number) => number),
    );
    expect(fixture.programId()).toBe(program);
    const after = await fixture.plane.counters();
    expect(after.services[1]?.packets).toBe((before.services[1]?.packets ?? 0) + sent);
    expect(await fixture.plane.flows()).toMatchObject([
      { client: CLIENT, clientPort: 50_000, real: REAL, state: 'UDP', service: { port: 53 } },
    ]);
  });

  test('another build takes the place of the program over the same maps', async () => {
    const program = fixture.programId();
    const flows = await fixture.plane.flows();
    await fixture.plane.close();
    using directory = temporaryDirectory();
    const objectPath = join(directory.path, 'director.bpf.o');
    // Bytes behind the end of an ELF file mean nothing, but its hash is another.
    writeFileSync(objectPath, Buffer.concat([readFileSync(DIRECTOR_OBJECT), Buffer.from('other')]));
    await fixture.reopen({ objectPath });
    expect(fixture.programId()).not.toBe(program);
    expect((await fixture.plane.flows()).length).toBe(flows.length);
    fixture.client.send(tcp(40_009), VIP);
    await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
    expect(readdirSync(`/sys/fs/bpf/culvert/${fixture.instance}`).toSorted()).toEqual([
      'build',
      'holder',
      'links',
      'maps',
      'maps-1',
      'netns',
    ]);
  });

  test('a map that a former build did not have is added, and nothing is forgotten', async () => {
    const program = fixture.programId();
    const flows = (await fixture.plane.flows()).length;
    expect(flows).toBeGreaterThan(0);
    await fixture.plane.close();
    const pin = `/sys/fs/bpf/culvert/${fixture.instance}/maps/no_clients`;
    unlinkSync(pin);
    await fixture.reopen();
    expect(fixture.programId()).not.toBe(program);
    expect((await fixture.plane.flows()).length).toBe(flows);
    expect(fixture.plane.events.filter(({ type }) => type === 'warning')).toEqual([]);
    expect(existsSync(pin)).toBe(true);
    await fixture.plane.apply(TABLE);
    fixture.client.send(tcp(40_010), VIP);
    await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
  });

  test('another capacity moves to new maps, and no packet is lost either', async () => {
    const program = fixture.programId();
    const flows = (await fixture.plane.flows()).length;
    expect(flows).toBeGreaterThan(0);
    await fixture.plane.close();
    await fixture.reopen({ slots: 1 << 18 });
    expect(fixture.programId()).toBe(program);
    fixture.client.send(tcp(40_005), VIP);
    await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
    await fixture.plane.apply(TABLE);
    expect(fixture.programId()).not.toBe(program);
    expect((await fixture.plane.flows()).length).toBeGreaterThanOrEqual(flows);
    await fixture.untilResolved();
    expect(readdirSync(`/sys/fs/bpf/culvert/${fixture.instance}`).toSorted()).toEqual([
      'build',
      'holder',
      'links',
      'maps',
      'maps-2',
      'netns',
    ]);
  });

  test('removal leaves nothing', async () => {
    await fixture.plane.remove();
    expect(existsSync(`/sys/fs/bpf/culvert/${fixture.instance}`)).toBe(false);
    expect(fixture.programId()).toBeUndefined();
    using socket = new NetlinkSocket(fixture.network.namespace('director'));
    expect(listLinks(socket).map(({ name }) => name)).toEqual(['lo', 'eth0']);
    expect(listMarkRules(socket)).toEqual([]);
  });
});

function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'culvert-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}
