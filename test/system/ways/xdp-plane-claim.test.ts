// peer .1 ── switch ─┬── one  .2 (director, XDP on eth0)      10.0.0.0/24 and 2001:db8::/64 on one segment;
//                    └── other .3 (director, XDP on eth0)     the VIPs are in these networks
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Claim, ForwardingTable } from '../../../src/forwarding/forwarding-table.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { formatIp, type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../src/net/address/ipv6-address.ts';
import { multicastMac, solicitedNodeAddress } from '../../../src/net/address/ipv6-multicast.ts';
import { readU16 } from '../../../src/net/bytes.ts';
import { isFault } from '../../../src/net/fault.ts';
import { ARP_OPERATION, buildArp, parseArp } from '../../../src/net/headers/arp.ts';
import { BROADCAST_MAC, buildEthernet, ETHERTYPE, formatMac } from '../../../src/net/headers/ethernet.ts';
import {
  buildNeighbourSolicitation,
  parseNeighbourAdvertisement,
} from '../../../src/net/headers/neighbour-discovery.ts';
import { delay } from '../xdp-plane/packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const DIRECTORS = ['one', 'other'] as const;
type DirectorName = (typeof DIRECTORS)[number];
const VIP = { 4: ip('10.0.0.100'), 6: ip('2001:db8::100') } as const;
const PEER = { 4: ipv4('10.0.0.1'), 6: ip('2001:db8::1') as Ipv6Address } as const;
const FAMILIES = [4, 6] as const;

function claimed(claim: Claim): ForwardingTable {
  const reals = [{ address: ip('10.0.0.9'), weight: 1, serving: true }];
  return { ...TABLE, services: FAMILIES.map((family) => ({ ...SERVICE, vip: VIP[family], claim, reals })) };
}

/** A frame that says where a VIP is. */
interface Told {
  readonly vip: string;
  readonly mac: string;
  readonly kind: 'answer' | 'announcement';
}

describe.skipIf(!able)('who answers for a VIP (needs root and build/bpf/director.bpf.o)', () => {
  const cleanUp = new AsyncDisposableStack();
  const planes = new Map<DirectorName, RemotePlane>();
  let network: WiredNetwork;
  let peer: PacketSocket;

  beforeAll(async () => {
    network = cleanUp.use(new WiredNetwork());
    network.addHosts('switch', 'peer', ...DIRECTORS);
    await network.ip('switch', 'link add bridge type bridge', 'link set dev bridge up');
    for (const [index, host] of ['peer', ...DIRECTORS].entries()) {
      await network.cable(`${host}:eth0`, `switch:${host}`);
      await network.ip('switch', `link set dev ${host} master bridge`);
      await network.ip(
        host,
        `address add 10.0.0.${index + 1}/24 dev eth0`,
        `address add 2001:db8::${index + 1}/64 dev eth0 nodad`,
      );
    }
    peer = network.capture('peer');
    for (const name of DIRECTORS) {
      const plane = await RemotePlane.open(network.namespace(name), `claim-${name}-${network.id}`);
      planes.set(name, plane);
    }
    cleanUp.defer(async () => {
      for (const plane of planes.values()) await plane.remove();
    });
  });

  beforeEach(async () => {
    for (const plane of planes.values()) await plane.apply({ ...TABLE, services: [] });
    drainTold();
  });

  afterAll(() => cleanUp.disposeAsync());

  async function apply(claims: Readonly<Record<DirectorName, Claim>>): Promise<void> {
    for (const name of DIRECTORS) await planes.get(name)?.apply(claimed(claims[name]));
  }

  async function ownVips(host: DirectorName, verb: 'add' | 'del', device: string): Promise<void> {
    await network.ip(
      host,
      `address ${verb} ${formatIp(VIP[4])}/32 dev ${device}`,
      `address ${verb} ${formatIp(VIP[6])}/128 dev ${device}${verb === 'add' ? ' nodad' : ''}`,
    );
  }

  function macOf(host: DirectorName): string {
    return formatMac(network.link(host).mac);
  }

  function drainTold(): Told[] {
    const told: Told[] = [];
    for (let seen = peer.receive(); seen !== undefined; seen = peer.receive()) {
      const one = seen.outgoing ? undefined : readTold(seen.frame);
      if (one !== undefined) told.push(one);
    }
    return told;
  }

  function ask(family: IpFamily): void {
    const { mac } = network.link('peer');
    if (family === 4) {
      const request = buildArp({
        operation: ARP_OPERATION.request,
        senderMac: mac,
        senderAddress: PEER[4],
        targetMac: new Uint8Array(6),
        targetAddress: ipv4(formatIp(VIP[4])),
      });
      peer.send(
        buildEthernet({ destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp }, request),
      );
      return;
    }
    const target = VIP[6] as Ipv6Address;
    const question = buildNeighbourSolicitation({ source: PEER[6], target, sourceLinkAddress: mac });
    const destination = multicastMac(solicitedNodeAddress(target));
    peer.send(buildEthernet({ destination, source: mac, etherType: ETHERTYPE.ipv6 }, question));
  }

  /** Who answers one question for the VIP of a family; longer than any of them needs. */
  async function answers(family: IpFamily): Promise<string[]> {
    drainTold();
    ask(family);
    await delay(400);
    return drainTold()
      .filter(({ kind, vip }) => kind === 'answer' && vip === formatIp(VIP[family]))
      .map(({ mac }) => mac);
  }

  async function expectAnswers(...hosts: DirectorName[]): Promise<void> {
    for (const family of FAMILIES) expect(await answers(family), `IPv${family}`).toEqual(hosts.map(macOf));
  }

  /** The VIPs of both families are announced by this host, several times, and by no other. */
  async function expectAnnounced(host: DirectorName): Promise<void> {
    const told: Told[] = [];
    await vi.waitFor(
      () => {
        told.push(...drainTold().filter(({ kind }) => kind === 'announcement'));
        for (const family of FAMILIES) {
          const times = told.filter(({ vip }) => vip === formatIp(VIP[family])).length;
          expect(times).toBeGreaterThanOrEqual(2);
        }
      },
      { timeout: 15_000, interval: 100 },
    );
    expect(new Set(told.map(({ mac }) => mac))).toEqual(new Set([macOf(host)]));
  }

  test('host: only who has the VIP, and never both', async () => {
    await apply({ one: 'host', other: 'host' });
    await expectAnswers();
    await ownVips('one', 'add', 'eth0');
    await expectAnnounced('one');
    await expectAnswers('one');
    // As VRRP moves it.
    await ownVips('one', 'del', 'eth0');
    await expectAnswers();
    await ownVips('other', 'add', 'eth0');
    await expectAnnounced('other');
    await expectAnswers('other');
    await ownVips('other', 'del', 'eth0');
    await expectAnswers();
  });

  test('always: the director, once, whether or not the VIP is an address of it; never: nobody', async () => {
    await apply({ one: 'always', other: 'never' });
    await expectAnnounced('one');
    await expectAnswers('one');
    for (const device of ['lo', 'eth0']) {
      for (const host of DIRECTORS) await ownVips(host, 'add', device);
      await expectAnswers('one');
      for (const host of DIRECTORS) await ownVips(host, 'del', device);
    }
    await expectAnswers('one');
  });

  test('a director that begins to claim says so, and it holds while no daemon is there', async () => {
    await apply({ one: 'never', other: 'always' });
    await expectAnswers('other');
    await apply({ one: 'always', other: 'never' });
    await delay(50);
    drainTold();
    await expectAnnounced('one');
    await expectAnswers('one');
    const other = planes.get('other') as RemotePlane;
    await other.kill();
    await ownVips('other', 'add', 'eth0');
    await expectAnswers('one');
    await ownVips('other', 'del', 'eth0');
    planes.set('other', await RemotePlane.open(network.namespace('other'), `claim-other-${network.id}`));
    await planes.get('other')?.apply(claimed('never'));
    await expectAnswers('one');
  });
});

function readTold(frame: Uint8Array): Told | undefined {
  const type = readU16(frame, 12);
  if (type === ETHERTYPE.arp) {
    const arp = parseArp(frame, 14);
    if (isFault(arp) || arp.senderAddress !== VIP[4]) return undefined;
    const kind = arp.senderAddress === arp.targetAddress ? 'announcement' : 'answer';
    return { vip: formatIp(arp.senderAddress), mac: formatMac(arp.senderMac), kind };
  }
  if (type !== ETHERTYPE.ipv6) return undefined;
  const advertised = parseNeighbourAdvertisement(frame.subarray(14));
  if (isFault(advertised) || advertised.target !== VIP[6]) return undefined;
  const mac = advertised.targetLinkAddress;
  if (mac === undefined) return undefined;
  return {
    vip: formatIp(advertised.target),
    mac: formatMac(mac),
    kind: advertised.solicited ? 'answer' : 'announcement',
  };
}
