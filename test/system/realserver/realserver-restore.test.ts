// What a set-up changes is taken back exactly, also after one that failed half-way (namespaces: realserver/host.ts).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ip } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import type { LinkFacts } from '../../../src/realserver/facts/facts.ts';
import { observe } from '../../../src/realserver/facts/observe.ts';
import { perform } from '../../../src/realserver/perform.ts';
import { plan } from '../../../src/realserver/plan/plan-setup.ts';
import { together } from '../../../src/realserver/plan/wanted.ts';
import { setupRealServer } from '../../../src/realserver/setup.ts';
import { teardownRealServer } from '../../../src/realserver/teardown.ts';
import { verifyRealServer } from '../../../src/realserver/verify/verify.ts';
import { type Changed, RealHost } from './host.ts';

const root = process.getuid?.() === 0;
const built = existsSync('build/bpf/realserver.bpf.o');

describe.skipIf(!root || !built)('removing a real server (needs root and a built BPF object)', () => {
  let host: RealHost;
  let tools: string;
  const path = process.env.PATH;

  beforeEach(async () => {
    host = await new RealHost('r').ready();
    tools = mkdtempSync(join(tmpdir(), 'culvert-tools-'));
  });
  afterEach(() => {
    process.env.PATH = path;
    host[Symbol.dispose]();
    rmSync(tools, { recursive: true });
  });

  const setUp = (changes: Changed = {}): ReturnType<typeof setupRealServer> =>
    host.inside(() => setupRealServer(host.options(changes)));
  const takeBack = (): ReturnType<typeof teardownRealServer> =>
    host.inside(() => teardownRealServer(host.naming()));
  const recordFile = (): string => join(host.directory, `realserver-${host.instance}.json`);

  /** Puts a program of this name in front of the real one; `shell` sees that as $REAL. */
  function replaceTool(name: string, shell: string): void {
    const real = execFileSync('which', [name], { encoding: 'utf8' }).trim();
    writeFileSync(join(tools, name), `#!/bin/sh\nREAL=${real}\n${shell}\n`, { mode: 0o755 });
    process.env.PATH = `${tools}:${path}`;
  }

  test.for([
    ['a host as it comes', 'true'],
    [
      'strict filtering, odd ARP settings, and a VIP that is there already',
      `sysctl -q net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.arp_ignore=3 net.ipv4.conf.eth0.arp_announce=1
       ip route del default; ip addr add 192.0.2.10/32 dev lo`,
    ],
    [
      'loopback down, forwarding on, rules of its own',
      'ip link set lo down; sysctl -q net.ipv4.ip_forward=1; nft add table ip mine',
    ],
  ])('restores %s', ([, before]) => {
    host.sh(before ?? '');
    const snapshot = host.snapshot();
    const options = { vips: [ipv4('192.0.2.10'), ipv4('192.0.2.11')] };
    expect(setUp(options).warnings).toEqual([]);
    const check = host.inside(() => verifyRealServer(host.verifyOptions(options)));
    expect(check.findings.filter(({ ok }) => !ok)).toEqual([]);
    setUp({ mss: 1400 });
    takeBack();
    expect(host.snapshot()).toEqual(snapshot);
    expect(takeBack()).toEqual({ left: false, done: [], warnings: [] });
  });

  test('after a set-up that failed half-way', () => {
    const snapshot = host.snapshot();
    replaceTool('nft', 'case "$*" in --file*) echo "no room" >&2; exit 1;; esac; exec $REAL "$@"');
    expect(() => setUp()).toThrowError(
      /clamp the MSS of 192\.0\.2\.10 to 1440 with nft: nft --file -: no room/,
    );
    expect(host.sh('ip -4 addr show dev lo')).toContain('192.0.2.10/32');
    process.env.PATH = path;
    takeBack();
    expect(host.snapshot()).toEqual(snapshot);
  });

  test('what cannot be restored stays on record, for another attempt', () => {
    const snapshot = host.snapshot();
    setUp();
    replaceTool('nft', 'case "$*" in --file*) echo "busy" >&2; exit 1;; esac; exec $REAL "$@"');
    expect(() => takeBack()).toThrowError(
      /could not restore everything.*\n.*MSS clamp of IPv4 with nft: .*busy/,
    );
    expect(JSON.parse(readFileSync(recordFile(), 'utf8')).undo).toHaveLength(1);
    expect(host.sh('ip -4 addr show dev lo')).not.toContain('192.0.2.10');
    process.env.PATH = path;
    takeBack();
    expect(host.snapshot()).toEqual(snapshot);
  });

  test('another program on the interface is left alone, and nothing else is touched', () => {
    host.sh('ip link set dev eth0 xdp obj build/bpf/pass.bpf.o sec xdp');
    const snapshot = host.snapshot();
    expect(() => setUp()).toThrowError(expect.objectContaining({ code: 'XDP_OCCUPIED', where: 'eth0' }));
    expect(host.snapshot()).toEqual(snapshot);
    host.sh('ip link set dev eth0 xdp off');
  });

  test('where there is no nft, iptables clamps', () => {
    replaceTool('nft', 'exit 1');
    const rules = (): string => host.sh('iptables -t mangle -S OUTPUT');
    const before = rules();
    setUp();
    expect(rules()).toContain('-s 192.0.2.10/32');
    setUp({ mss: 1400 });
    expect(rules().match(/--set-mss \d+/g)).toEqual(['--set-mss 1400']);
    expect(host.inside(() => verifyRealServer(host.verifyOptions())).ok).toBe(true);
    takeBack();
    expect(rules()).toBe(before);
  });

  test('a driver without XDP of its own gets the generic one, with a warning', () => {
    host.sh('ip link add ifb9 type ifb && ip link set ifb9 up');
    const { warnings } = setUp({ interface: 'ifb9' });
    expect(warnings).toEqual(['ifb9 does not support native XDP. Generic XDP is used, which is slower']);
    const check = host.inside(() => verifyRealServer(host.verifyOptions({ interface: 'ifb9' })));
    expect(check.findings.find(({ check: name }) => name === 'decapsulation')?.found).toContain('generic');
    takeBack();
    expect(host.sh('ip link show dev ifb9')).not.toContain('xdp');
  });

  test("the sysctls of the kernel's way disturb others, which come back too", () => {
    host.sh(
      `sysctl -q net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2
       sysctl -q net.ipv4.conf.eth0.forwarding=0 net.ipv4.conf.all.accept_redirects=1`,
    );
    const snapshot = host.snapshot();
    // Any device will do: the sysctls do not tell an ipip device from another.
    const wanted = together(undefined, host.options({ mss: 'none' }));
    const facts = host.inside(() => observe(wanted));
    const tunnel = { ...(facts.loopback as LinkFacts), kind: 'ipip' } as const;
    const { steps } = plan({ ...facts, tunnels: [tunnel] }, wanted, 'kernel');
    host.inside(() => steps.forEach(({ action }) => perform(action)));
    expect(host.sh('sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.rp_filter')).toBe('0\n0\n');
    host.inside(() => steps.toReversed().forEach(({ undo }) => undo.forEach((action) => perform(action))));
    expect(host.snapshot()).toEqual(snapshot);
  });

  test('bad options and foreign records change nothing', () => {
    const snapshot = host.snapshot();
    expect(() => setUp({ vips: [] })).toThrowError(expect.objectContaining({ code: 'USAGE' }));
    expect(() => setUp({ interface: 'none0' })).toThrowError(expect.objectContaining({ code: 'INTERFACE' }));
    expect(() => setUp({ instance: '../x' })).toThrowError(expect.objectContaining({ code: 'USAGE' }));
    expect(() => setUp({ mss: 12 })).toThrowError(expect.objectContaining({ code: 'REALSERVER' }));
    expect(() => setUp({ decapsulation: 'xdp', interface: 'lo' })).toThrowError(/not an Ethernet interface/);
    expect(host.snapshot()).toEqual(snapshot);
    writeFileSync(recordFile(), '{');
    expect(() => takeBack()).toThrowError(/cannot read the record/);
    expect(() => setUp()).toThrowError(/cannot read the record/);
    expect(readFileSync(recordFile(), 'utf8')).toBe('{');
  });

  test('a record of the time of IPIP and IPv4 alone is gone on from, and restores', () => {
    const snapshot = host.snapshot();
    setUp();
    const { bootId } = JSON.parse(readFileSync(recordFile(), 'utf8')) as Record<string, unknown>;
    const { instance } = host;
    const address = 0xc000020a;
    const undo = [
      { kind: 'detach', instance },
      { kind: 'unclamp', clamp: { tool: 'nft', instance, vips: [address], mss: 1440 } },
      { kind: 'delete-address', interface: 'lo', address },
      { kind: 'set-sysctl', path: 'net/ipv4/conf/all/arp_announce', value: '0' },
      { kind: 'set-sysctl', path: 'net/ipv4/conf/all/arp_ignore', value: '0' },
    ];
    const former = { version: 1, bootId, interface: 'eth0', decapsulation: 'xdp', undo };
    writeFileSync(recordFile(), JSON.stringify(former));
    expect(setUp({ vips: [ipv4('192.0.2.10'), ip('2001:db8::10')] }).done).toEqual([
      'add 2001:db8::10/128 to lo',
      'clamp the MSS of 2001:db8::10 to 1420 with nft',
      'decapsulate ipip by XDP on eth0',
    ]);
    expect(takeBack().done).toHaveLength(9);
    expect(host.snapshot()).toEqual(snapshot);
  });

  test('a record from before the last boot restores nothing', () => {
    setUp();
    const record = JSON.parse(readFileSync(recordFile(), 'utf8')) as Record<string, unknown>;
    writeFileSync(recordFile(), JSON.stringify({ ...record, bootId: 'another' }));
    expect(takeBack()).toEqual({ left: false, done: [], warnings: [] });
    expect(host.sh('ip -4 addr show dev lo')).toContain('192.0.2.10');
  });
});
