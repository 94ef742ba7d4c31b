// Real servers set up, used, broken, mended and taken back, each in namespaces of its own (see realserver/host.ts).
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ipv4Address, ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { ARP_OPERATION, buildArp, parseArp } from '../../../src/net/headers/arp.ts';
import { BROADCAST_MAC, buildEthernet, ETHERTYPE, parseEthernet } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, mssOption, parseTcp, TCP_FLAGS, tcpMss } from '../../../src/net/headers/tcp.ts';
import { setupRealServer } from '../../../src/realserver/setup.ts';
import { teardownRealServer } from '../../../src/realserver/teardown.ts';
import { type Verification, verifyRealServer } from '../../../src/realserver/verify/verify.ts';
import { type Changed, RealHost } from './host.ts';
import { CLIENT, clientPacket, outerFragments, REAL, STRANGER, tunnelled, VIP } from './tunnel-frames.ts';

const root = process.getuid?.() === 0;
const built = existsSync('build/bpf/realserver.bpf.o');
const PORT = 53;
const SECOND_VIP = ipv4('192.0.2.11');

describe.skipIf(!root || !built)(
  'a real server that decapsulates by XDP (needs root and a built BPF object)',
  () => {
    let host: RealHost;
    let server: ChildProcess | undefined;
    let outerId = 0;

    const setUp = (changes: Changed = {}): ReturnType<typeof setupRealServer> =>
      host.inside(() => setupRealServer(host.options(changes)));
    const takeBack = (): ReturnType<typeof teardownRealServer> =>
      host.inside(() => teardownRealServer(host.naming()));
    const verify = (changes: Changed & { ports?: number[] } = {}): Verification =>
      host.inside(() => verifyRealServer(host.verifyOptions({ ports: [PORT], ...changes })));

    beforeAll(async () => {
      host = await new RealHost('x').ready();
      setUp();
      server = await host.echoServer('192.0.2.10', PORT);
    });
    afterAll(() => {
      server?.kill();
      if (host === undefined) return;
      takeBack();
      host[Symbol.dispose]();
    });

    /** The payload of the echo that comes back for packets sent; undefined when none comes. */
    async function echo(...packets: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
      for (const packet of packets) host.send(packet);
      return host.receive((frame) => {
        const packet = frame.subarray(14);
        const header = parseIpv4Header(packet);
        if (typeof header === 'string' || header.protocol !== PROTOCOL.udp) return undefined;
        expect(header).toMatchObject({ source: VIP, destination: CLIENT });
        return packet.slice(28, header.totalLength);
      });
    }

    async function announcedMss(): Promise<number | undefined> {
      const ports = { sourcePort: 41_000 + outerId++, destinationPort: PORT };
      const addresses = { source: CLIENT, destination: VIP };
      const options = mssOption(1460);
      const segment = buildTcp({ ...addresses, ...ports, sequence: 1, flags: TCP_FLAGS.syn, options });
      host.send(tunnelled(buildIpv4({ ...addresses, protocol: PROTOCOL.tcp }, segment)));
      return host.receive((frame) => {
        const header = parseTcp(frame, 34);
        if (typeof header === 'string' || header.flags !== (TCP_FLAGS.syn | TCP_FLAGS.ack)) return undefined;
        return header.destinationPort === ports.sourcePort
          ? tcpMss(frame, 34, header.headerBytes)
          : undefined;
      });
    }

    test('all is well after the set-up, and a second one changes nothing', () => {
      const before = host.snapshot();
      expect(setUp()).toEqual({ decapsulation: 'xdp', done: [], warnings: [] });
      expect(host.snapshot()).toEqual(before);
      expect(verify()).toMatchObject({ ok: true, findings: expect.any(Array) });
      expect(
        verify()
          .findings.map(({ remedy }) => remedy)
          .join(''),
      ).toBe('');
    });

    test('a packet from the director is answered by the VIP, straight to the client', async () => {
      const inner = clientPacket(600);
      expect(await echo(tunnelled(inner))).toEqual(inner.slice(28));
    });

    test('one from a stranger is not, and is counted', async () => {
      const before = verify().counts;
      expect(await echo(tunnelled(clientPacket(10), { source: STRANGER }))).toBeUndefined();
      expect((verify().counts?.refusedSource ?? 0) - (before?.refusedSource ?? 0)).toBe(1);
    });

    test.for(['in order', 'in the wrong order'])('outer fragments %s', async (order) => {
      const inner = clientPacket(1472, { dontFragment: true });
      const fragments = outerFragments(inner, 1500, { id: ++outerId });
      const packets = order === 'in order' ? fragments : fragments.toReversed();
      expect(await echo(...packets)).toEqual(inner.slice(28));
    });

    test('a client that fragments is served too', async () => {
      const whole = clientPacket(2000, { id: 77 });
      const fields = { source: CLIENT, destination: VIP, protocol: PROTOCOL.udp, id: 77 };
      const first = buildIpv4({ ...fields, moreFragments: true }, whole.subarray(20, 1500));
      const second = buildIpv4({ ...fields, fragmentOffsetBytes: 1480 }, whole.subarray(1500));
      // The first is 1,500 bytes long: two outer fragments, that become two inner ones of the three.
      const answer = await echo(...outerFragments(first, 1500, { id: ++outerId }), tunnelled(second));
      expect(answer?.subarray(0, 1000)).toEqual(whole.slice(28, 1028));
    });

    test('the SYN-ACK announces what fits the tunnel', async () => {
      expect(await announcedMss()).toBe(1440);
      setUp({ mss: 1400 });
      expect(await announcedMss()).toBe(1400);
      setUp({ mss: 'none' });
      expect(await announcedMss()).toBe(1460);
      setUp();
      expect(await announcedMss()).toBe(1440);
    });

    test('the VIP stays silent in ARP, the address of the real does not', async () => {
      const mac = Uint8Array.of(2, 0, 0, 0, 0, 9);
      const answers = async (targetAddress: Ipv4Address): Promise<boolean> => {
        const fields = { senderMac: mac, senderAddress: ipv4('10.0.3.1'), targetMac: new Uint8Array(6) };
        const packet = buildArp({ ...fields, operation: ARP_OPERATION.request, targetAddress });
        const header = { destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp };
        host.capture.send(buildEthernet(header, packet));
        const reply = await host.receive((frame) => {
          const ethernet = parseEthernet(frame);
          const arp = parseArp(frame, 14);
          if (
            typeof ethernet === 'string' ||
            ethernet.etherType !== ETHERTYPE.arp ||
            typeof arp === 'string'
          ) {
            return undefined;
          }
          return arp.operation === ARP_OPERATION.reply && arp.senderAddress === targetAddress
            ? true
            : undefined;
        }, 200);
        return reply ?? false;
      };
      expect(await answers(REAL)).toBe(true);
      expect(await answers(VIP)).toBe(false);
    });

    test('a VIP of a second set-up is served beside the first, until it is taken away', async () => {
      expect(setUp({ vips: [SECOND_VIP] }).done).not.toContain('delete 192.0.2.10/32 from lo');
      expect(verify({ vips: [VIP, SECOND_VIP], ports: [] }).ok).toBe(true);
      expect(await echo(tunnelled(clientPacket(99)))).toBeDefined();
      const left = host.inside(() => teardownRealServer({ ...host.naming(), vips: [SECOND_VIP] }));
      expect(left).toMatchObject({
        left: true,
        done: expect.arrayContaining(['delete 192.0.2.11/32 from lo']),
      });
      expect(host.sh('ip -4 addr show dev lo')).not.toContain('192.0.2.11');
      const found = verify({ vips: [VIP, SECOND_VIP], ports: [] });
      expect(found.findings.filter(({ ok }) => !ok).map(({ check }) => check)).toEqual([
        'decapsulation',
        'accepted from',
        'VIP 192.0.2.11',
        'MSS clamp 192.0.2.11',
      ]);
      expect(await echo(tunnelled(clientPacket(100)))).toBeDefined();
    });

    /** Each way to break it, and the one finding that it leads to; its remedy is then done as printed. */
    test.for([
      { name: 'VIP missing', damage: 'ip addr del 192.0.2.10/32 dev lo', check: 'VIP 192.0.2.10' },
      { name: 'VIP on the NIC', damage: 'ip addr add 192.0.2.10/32 dev eth0', check: 'VIP 192.0.2.10' },
      {
        name: 'VIP with its whole network',
        damage: 'ip addr add 192.0.2.10/24 dev lo',
        check: 'VIP 192.0.2.10',
      },
      { name: 'ARP answered', damage: 'sysctl -q net.ipv4.conf.all.arp_ignore=0', check: 'arp_ignore' },
      {
        name: 'ARP answered by an unfit value of its own',
        damage: 'sysctl -q net.ipv4.conf.eth0.arp_ignore=3',
        check: 'arp_ignore',
      },
      { name: 'ARP announced', damage: 'sysctl -q net.ipv4.conf.all.arp_announce=0', check: 'arp_announce' },
      {
        name: 'strict reverse path',
        damage: 'ip route replace default dev lo && sysctl -q net.ipv4.conf.all.rp_filter=1',
        mend: 'ip route replace default via 10.0.3.1 dev eth0 && sysctl -q net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0',
        check: 'rp_filter',
      },
      {
        name: 'MTU lowered',
        damage: 'ip link set eth0 mtu 1400',
        mend: 'ip link set eth0 mtu 1500',
        check: 'MSS clamp 192.0.2.10',
      },
      { name: 'clamp lost', damage: 'nft flush ruleset', check: 'MSS clamp 192.0.2.10' },
      {
        name: 'program gone',
        // The link is let go a moment after its pin.
        damage: 'rm "$PINS/link"; while ip link show eth0 | grep -q xdp; do sleep 0.01; done',
        check: 'decapsulation',
      },
    ])('verify finds: $name', ({ damage, mend, check }) => {
      host.sh(damage);
      const broken = verify();
      expect(broken.ok).toBe(false);
      const [finding, ...others] = broken.findings.filter(({ ok }) => !ok);
      expect(finding?.check).toBe(check);
      // Without decapsulation nothing is accepted from anyone either.
      if (check !== 'decapsulation') expect(others).toEqual([]);
      const remedy = finding?.remedy ?? '';
      if (remedy.startsWith('culvert')) setUp();
      else host.sh(remedy.replace(/^sysctl/, 'sysctl -q'));
      expect(verify().findings.filter(({ ok }) => !ok)).toEqual([]);
      if (mend !== undefined) host.sh(mend);
      setUp();
      expect(verify().ok).toBe(true);
    });
  },
);
