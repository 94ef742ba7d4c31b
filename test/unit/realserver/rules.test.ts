import { describe, expect, test } from 'vitest';
import { ip } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { contains } from '../../../src/realserver/facts/facts.ts';
import { nftScript, ownIptablesRules } from '../../../src/realserver/facts/firewall.ts';
import { parseListeners } from '../../../src/realserver/facts/listeners.ts';
import { parseIptablesClamps, parseNftClamps } from '../../../src/realserver/plan/clamp-rules.ts';

const host = (text: string): { address: number; length: number } => ({ address: ipv4(text), length: 32 });
const chain = (hook: string): object => ({ chain: { family: 'ip', table: 't', name: 'c', hook } });
const set = { key: { 'tcp option': { name: 'maxseg', field: 'size' } } };
const sourceIs = (right: unknown, op = '=='): object => ({
  match: { op, left: { payload: { protocol: 'ip', field: 'saddr' } }, right },
});

function nft(
  expr: readonly object[],
  { hook = 'output', table = 't' } = {},
): ReturnType<typeof parseNftClamps> {
  const named = { set: { family: 'ip', table: 't', name: 'vips', elem: ['192.0.2.12'] } };
  const rule = { rule: { family: 'ip', table, chain: 'c', expr } };
  const base = {
    ...chain(hook),
    ...(table === 't' ? {} : { chain: { family: 'ip', table, name: 'c', hook } }),
  };
  return parseNftClamps({ nftables: [{ metainfo: {} }, base, named, rule] });
}

describe('nft rules', () => {
  test.for<[string, unknown, object[]]>([
    ['one address', '192.0.2.10', [host('192.0.2.10')]],
    ['a set', { set: ['192.0.2.10', '192.0.2.11'] }, [host('192.0.2.10'), host('192.0.2.11')]],
    ['a network', { prefix: { addr: '192.0.2.0', len: 24 } }, [{ address: ipv4('192.0.2.0'), length: 24 }]],
    ['a named set', '@vips', [host('192.0.2.12')]],
    ['a named set that is not there', '@none', []],
  ])('%s', ([, right, sources]) => {
    expect(nft([sourceIs(right), { mangle: { ...set, value: 1400 } }])).toEqual([
      { tool: 'nft', where: 'table ip t', instance: undefined, sources, mss: 1400 },
    ]);
  });

  test('without a source it holds for all; with a negated one for none that is sure', () => {
    expect(nft([{ mangle: { ...set, value: 1400 } }])[0]?.sources).toEqual([{ address: 0, length: 0 }]);
    expect(nft([sourceIs('192.0.2.10', '!='), { mangle: { ...set, value: 1400 } }])[0]?.sources).toEqual([]);
  });

  test('to the path MTU; of this project; elsewhere than on the way out; something else', () => {
    expect(nft([{ mangle: { ...set, value: { rt: { key: 'mtu' } } } }])[0]?.mss).toBeUndefined();
    expect(nft([{ mangle: { ...set, value: 1400 } }], { table: 'culvert-a.b' })[0]?.instance).toBe('a.b');
    expect(nft([{ mangle: { ...set, value: 1400 } }], { hook: 'input' })).toEqual([]);
    expect(nft([{ mangle: { key: { meta: { key: 'mark' } }, value: 1 } }, { accept: null }])).toEqual([]);
    for (const odd of [undefined, {}, { nftables: [{ rule: { expr: 'x' } }] }]) {
      expect(parseNftClamps(odd)).toEqual([]);
    }
  });

  test('our own script', () => {
    const vips = [ipv4('192.0.2.10'), ipv4('192.0.2.11')];
    expect(nftScript({ tool: 'nft', instance: 'eth0', family: 4, rules: [{ vips, mss: 1440 }] })).toContain(
      'ip saddr { 192.0.2.10, 192.0.2.11 } tcp flags & (syn | rst) == syn tcp option maxseg size set 1440',
    );
  });
});

describe('iptables rules', () => {
  const listing = [
    '-P OUTPUT ACCEPT',
    '-A OUTPUT -s 192.0.2.10/32 -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN,ACK -j TCPMSS --set-mss 1400',
    '-A POSTROUTING -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
    '-A OUTPUT ! -s 192.0.2.10/32 -p tcp -j TCPMSS --set-mss 1300',
    '-A FORWARD -p tcp -j TCPMSS --set-mss 1200',
    '-A OUTPUT -s 192.0.2.0/24 -p tcp -m comment --comment "culvert-eth0" -j TCPMSS --set-mss 1440',
    '-A OUTPUT -s 192.0.2.10/32 -j ACCEPT',
    '',
  ].join('\n');

  test('those on the way out', () => {
    expect(parseIptablesClamps('iptables', 'mangle', listing)).toMatchObject([
      { where: 'table mangle, chain OUTPUT', instance: undefined, sources: [host('192.0.2.10')], mss: 1400 },
      { where: 'table mangle, chain POSTROUTING', sources: [{ address: 0, length: 0 }], mss: undefined },
      { sources: [], mss: 1300 },
      { instance: 'eth0', sources: [{ address: ipv4('192.0.2.0'), length: 24 }], mss: 1440 },
    ]);
  });

  test('which are ours', () => {
    expect(ownIptablesRules(listing, 'eth0')).toEqual([
      '-D OUTPUT -s 192.0.2.0/24 -p tcp -m comment --comment culvert-eth0 -j TCPMSS --set-mss 1440'.split(
        ' ',
      ),
    ]);
    expect(ownIptablesRules(listing, 'eth')).toEqual([]);
  });
});

test('a prefix contains its addresses', () => {
  const network = { address: ipv4('192.0.2.128'), length: 25 };
  expect(contains(network, ipv4('192.0.2.255'))).toBe(true);
  expect(contains(network, ipv4('192.0.2.127'))).toBe(false);
  expect(contains({ address: ipv4('0.0.0.0'), length: 0 }, ipv4('255.255.255.255'))).toBe(true);
  expect(contains({ address: ipv4('192.0.2.1'), length: 32 }, ipv4('192.0.2.1'))).toBe(true);
});

test('listeners, out of the tables of /proc/net', () => {
  const tcp = [
    '  sl  local_address rem_address   st',
    '   0: 0A0200C0:0050 00000000:0000 0A 0',
    '   1: 00000000:01BB 00000000:0000 0A 0',
    '   2: 0100007F:9EAB 0100007F:85AA 01 0',
  ].join('\n');
  expect(parseListeners('tcp', tcp)).toEqual([
    { protocol: 'tcp', address: ipv4('192.0.2.10'), port: 80 },
    { protocol: 'tcp', address: ipv4('0.0.0.0'), port: 443 },
  ]);
  const udp6 = [
    '   0: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07',
    '   1: 0000000000000000FFFF00000A0200C0:0036 00000000000000000000000000000000:0000 07',
    '   2: B80D0120000000000000000010000000:0037 00000000000000000000000000000000:0000 07',
  ].join('\n');
  expect(parseListeners('udp', udp6)).toEqual([
    { protocol: 'udp', address: ip('::'), port: 53 },
    { protocol: 'udp', address: ipv4('192.0.2.10'), port: 54 },
    { protocol: 'udp', address: ip('2001:db8::10'), port: 55 },
  ]);
});
