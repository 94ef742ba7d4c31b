// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0)
//                          └────── 10.0.1.2 real; the router puts packets with forged sources on the director's cable
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { type Ipv4Address, ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { PlaneFixture } from '../xdp-plane/fixture.ts';
import { CLIENT, drain, receive, tcp, VIP } from '../xdp-plane/packets.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';

const OTHER_VIP = ipv4('192.0.2.20');
const NEW_ADDRESS = ipv4('203.0.113.9');

describe.skipIf(!able)('sources that no client has (needs root and build/bpf/director.bpf.o)', () => {
  let fixture: PlaneFixture;

  beforeAll(async () => {
    fixture = await PlaneFixture.build();
    await fixture.plane.apply({ ...TABLE, services: [...TABLE.services, { ...SERVICE, vip: OTHER_VIP }] });
    await fixture.untilResolved();
  });

  beforeEach(() => fixture.forgetCaptured());

  afterAll(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  function send(
    source: Ipv4Address,
    tags: { id: number; priority: number; dropEligible: boolean }[] = [],
  ): void {
    const ends = { source, destination: VIP };
    const segment = buildTcp({ ...ends, sourcePort: 40_000, destinationPort: 80, flags: TCP_FLAGS.syn });
    const addresses = {
      destination: fixture.network.link('director').mac,
      source: fixture.network.link('router', 'director').mac,
    };
    const packet = buildIpv4({ ...ends, protocol: PROTOCOL.tcp }, segment);
    fixture.atRouter.send(buildEthernet({ ...addresses, etherType: ETHERTYPE.ipv4 }, packet, tags));
  }

  async function martians(): Promise<number> {
    return (await fixture.plane.counters()).reasons['martian-source'] ?? 0;
  }

  /** Nothing comes to the real before what a client sends afterwards. */
  async function expectDropped(work: () => void, count: number): Promise<void> {
    const before = await martians();
    work();
    fixture.client.send(tcp(41_000), VIP);
    expect(await receive(fixture.atReal, { protocol: PROTOCOL.ipip })).toHaveLength(1);
    await vi.waitFor(async () => expect(await martians()).toBe(before + count), { timeout: 10_000 });
    expect(drain(fixture.atReal)).toEqual([]);
  }

  test.each([
    ['the VIP', VIP],
    ['another VIP', OTHER_VIP],
    ['the director', ipv4('10.0.0.2')],
    ['the broadcast address of its network', ipv4('10.0.0.255')],
    ['loopback', ipv4('127.0.0.1')],
    ['broadcast', ipv4('255.255.255.255')],
    ['a group', ipv4('224.0.0.1')],
    ['this network', ipv4('0.1.2.3')],
  ])('%s', async (_, source) => {
    await expectDropped(() => send(source), 1);
    await expectDropped(() => send(source, [{ id: 0, priority: 0, dropEligible: false }]), 1);
  });

  test('a client is none of these, and stays with the fast path', async () => {
    const before = await fixture.plane.counters();
    // As 10.0.0.2 and 192.0.2.10 but for what the filter does not look at.
    for (const source of [CLIENT, ipv4('10.16.0.2'), ipv4('192.16.2.10')]) send(source);
    await receive(fixture.atReal, { protocol: PROTOCOL.ipip, count: 3 });
    const { handedOver } = await fixture.plane.counters();
    expect(handedOver).toBe(before.handedOver);
  });

  test('an address that the director gets while it runs, until it has lost it', async () => {
    send(NEW_ADDRESS);
    await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
    const director = fixture.network.namespace('director');
    await runInNamespace(director, ['ip', 'address', 'add', '203.0.113.9/32', 'dev', 'lo']);
    await vi.waitFor(() => expectDropped(() => send(NEW_ADDRESS), 1), { timeout: 20_000 });
    await runInNamespace(director, ['ip', 'address', 'del', '203.0.113.9/32', 'dev', 'lo']);
    await vi.waitFor(
      async () => {
        send(NEW_ADDRESS);
        await receive(fixture.atReal, { protocol: PROTOCOL.ipip, withinMs: 500 });
      },
      { timeout: 20_000 },
    );
  });
});
