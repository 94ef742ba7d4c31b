// Real servers that decapsulate by XDP, with every tunnel and both families, in namespaces (see realserver/host.ts).
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import type { IpFamily } from '../../../src/net/address/ip-address.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../src/net/headers/ipv6.ts';
import { buildTcp, mssOption, parseTcp, TCP_FLAGS, tcpMss } from '../../../src/net/headers/tcp.ts';
import { setupRealServer } from '../../../src/realserver/setup.ts';
import { teardownRealServer } from '../../../src/realserver/teardown.ts';
import { type Verification, verifyRealServer } from '../../../src/realserver/verify/verify.ts';
import { encapsulated, encapsulatedFragments } from './encapsulated.ts';
import { type Changed, INTERFACE, RealHost } from './host.ts';
import { GUE_PORT, inner, MIXES, TUNNELS } from './tunnel-cases.ts';
import { CLIENT, CLIENT6, DIRECTOR, DIRECTOR6, REAL6, STRANGER6, VIP, VIP6 } from './tunnel-frames.ts';

const root = process.getuid?.() === 0;
const built = existsSync('build/bpf/realserver.bpf.o');
const PORT = 53;

/** Both families, outside and inside. */
function options(changes: Changed = {}): Changed {
  return { vips: [VIP, VIP6], directors: [DIRECTOR, DIRECTOR6], ...changes };
}

describe.skipIf(!root || !built)('both families by XDP (needs root and a built BPF object)', () => {
  let host: RealHost;
  let server: ChildProcess | undefined;
  let before: Record<string, string>;
  let clientPort = 41_000;
  let outerId = 0;

  const setUp = (changes: Changed = {}): readonly string[] =>
    host.inside(() => setupRealServer(host.options(options(changes)))).done;
  const takeBack = (): unknown => host.inside(() => teardownRealServer(host.naming()));
  const verify = (changes: Changed = {}): Verification =>
    host.inside(() => verifyRealServer(host.verifyOptions({ ...options(changes), ports: [PORT] })));

  beforeAll(async () => {
    host = await new RealHost('f').ready();
    before = host.snapshot();
    setUp();
    server = await host.echoServer('192.0.2.10,2001:db8::10', PORT);
  });
  afterAll(() => {
    server?.kill();
    host?.[Symbol.dispose]();
  });

  async function announcedMss(family: IpFamily, tunnel: Tunnel): Promise<number | undefined> {
    const addresses =
      family === 4 ? { source: CLIENT, destination: VIP } : { source: CLIENT6, destination: VIP6 };
    const ports = { sourcePort: clientPort++, destinationPort: PORT };
    const segment = buildTcp({
      ...addresses,
      ...ports,
      sequence: 1,
      flags: TCP_FLAGS.syn,
      options: mssOption(1460),
    });
    const syn =
      family === 4
        ? buildIpv4({ source: CLIENT, destination: VIP, protocol: PROTOCOL.tcp }, segment)
        : buildIpv6({ source: CLIENT6, destination: VIP6, nextHeader: PROTOCOL.tcp }, segment);
    host.send(encapsulated(syn, { tunnel, outer: 4 }));
    const at = family === 4 ? 34 : 54;
    return host.receive((frame) => {
      const header = parseTcp(frame, at);
      if (typeof header === 'string' || header.flags !== (TCP_FLAGS.syn | TCP_FLAGS.ack)) return undefined;
      return header.destinationPort === ports.sourcePort ? tcpMss(frame, at, header.headerBytes) : undefined;
    });
  }

  /** What decapsulates, where that is not what is asked for. */
  function decapsulatedInstead(tunnel: Tunnel): string | undefined {
    return verify({ tunnel }).findings.find(({ ok, check }) => !ok && check === 'decapsulation')?.found;
  }

  test.for(MIXES)('answers $name', async ({ tunnel, outer, inner: family }) => {
    setUp({ tunnel });
    const packet = inner(family, 600 + ++outerId);
    const answered = (): Promise<boolean> => host.echoes(packet, [encapsulated(packet, { tunnel, outer })]);
    // The first answer of IPv6 has to wait for the VIP's local route, and for the neighbour that it goes to.
    await expect.poll(answered).toBe(true);
  });

  test.for(MIXES.filter(({ tunnel }) => tunnel.type === 'ipip' || tunnel.checksum === 'none'))(
    'answers outer fragments of $name, in either order',
    async ({ tunnel, outer, inner: family }) => {
      setUp({ tunnel });
      for (const order of ['in order', 'in the wrong order']) {
        const packet = inner(family, 1300 + ++outerId);
        const whole = encapsulated(packet, { tunnel, outer }).length;
        const fragments = encapsulatedFragments(packet, { tunnel, outer, id: outerId }, whole - 20);
        expect(fragments).toHaveLength(2);
        const sent = order === 'in order' ? fragments : fragments.toReversed();
        expect(await host.echoes(packet, sent), order).toBe(true);
      }
    },
  );

  test('a stranger is refused, by IPv6 too', async () => {
    setUp();
    const packet = inner(6, 64);
    const stranger = encapsulated(packet, { tunnel: { type: 'ipip' }, outer: 6, source: STRANGER6 });
    const refused = verify().counts?.refusedSource ?? 0;
    expect(await host.echoes(packet, [stranger])).toBe(false);
    expect(verify().counts?.refusedSource).toBe(refused + 1);
  });

  test.for(TUNNELS.map((tunnel) => [tunnel] as const))(
    'SYN-ACKs announce what fits: %o',
    async ([tunnel]) => {
      const room = {
        ipip: 1480,
        gre: { none: 1476, full: 1472 },
        gue: { none: 1468, full: 1468, remote: 1460 },
      };
      const over =
        tunnel.type === 'ipip' ? room.ipip : (room[tunnel.type] as Record<string, number>)[tunnel.checksum];
      takeBack();
      setUp({ tunnel, directors: [DIRECTOR] });
      expect(await announcedMss(4, tunnel)).toBe((over ?? 0) - 40);
      expect(await announcedMss(6, tunnel)).toBe((over ?? 0) - 60);
      expect(verify({ tunnel, directors: [DIRECTOR] }).findings.filter(({ ok }) => !ok)).toEqual([]);
      setUp({ tunnel });
      expect(await announcedMss(6, tunnel)).toBe((over ?? 0) - 80);
      expect(verify({ tunnel }).ok).toBe(true);
    },
  );

  test('the VIP stays silent in neighbour discovery, the address of the real does not', async () => {
    setUp();
    expect(await host.advertises(REAL6, 'everyone')).toBe(true);
    for (const to of ['everyone', 'the real'] as const) expect(await host.advertises(VIP6, to)).toBe(false);
    host.sh(`ip addr add 2001:db8::10/128 dev ${INTERFACE} nodad`);
    expect(await host.advertises(VIP6, 'everyone')).toBe(true);
    const [finding] = verify().findings.filter(({ ok }) => !ok);
    expect(finding).toMatchObject({
      check: 'VIP 2001:db8::10',
      found: expect.stringContaining('the host answers neighbour discovery instead of the director'),
    });
    host.sh(finding?.remedy ?? '');
    expect(await host.advertises(VIP6, 'everyone')).toBe(false);
    expect(verify().ok).toBe(true);
  });

  /** Each way to break it, and the findings that it leads to; the first one's remedy is then done as printed. */
  test.for([
    ['the VIP missing', 'ip addr del 2001:db8::10/128 dev lo', ['VIP 2001:db8::10']],
    ['the VIP with its network', 'ip addr add 2001:db8::10/64 dev eth0 nodad', ['VIP 2001:db8::10']],
    ['the clamp of IPv6 lost', 'nft delete table ip6 "culvert-$INSTANCE"', ['MSS clamp 2001:db8::10']],
    [
      'the clamp of IPv6 as large as that of IPv4',
      'nft flush chain ip6 "culvert-$INSTANCE" output && nft add rule ip6 "culvert-$INSTANCE" output tcp flags syn tcp option maxseg size set 1420',
      ['MSS clamp 2001:db8::10'],
    ],
    ['IPv6 off on lo', 'sysctl -q net.ipv6.conf.lo.disable_ipv6=1', ['IPv6 on lo', 'VIP 2001:db8::10']],
  ] as const)('verify finds: %s', ([, damage, checks]) => {
    setUp();
    host.sh(damage.replaceAll('$INSTANCE', host.instance));
    const wrong = verify().findings.filter(({ ok }) => !ok);
    expect(wrong.map(({ check }) => check)).toEqual(checks);
    for (const { remedy } of wrong) {
      if (remedy.startsWith('culvert')) setUp();
      else host.sh(remedy.replace(/^sysctl/, 'sysctl -q'));
    }
    expect(verify().findings.filter(({ ok }) => !ok)).toEqual([]);
  });

  test('verify finds another kind of tunnel, and another port', () => {
    takeBack();
    setUp({ tunnel: { type: 'gue', checksum: 'none', port: GUE_PORT } });
    expect(decapsulatedInstead({ type: 'gre', checksum: 'none' })).toContain(
      'does not decapsulate gre for 192.0.2.10',
    );
    expect(decapsulatedInstead({ type: 'gue', checksum: 'none', port: 6081 })).toContain(
      'does not decapsulate gue (port 6081) for 192.0.2.10',
    );
    expect(decapsulatedInstead({ type: 'gue', checksum: 'full', port: GUE_PORT })).toBeUndefined();
  });

  test('everything is taken back', () => {
    setUp({ tunnel: { type: 'gre', checksum: 'full' } });
    takeBack();
    expect(host.snapshot()).toEqual(before);
  });
});
