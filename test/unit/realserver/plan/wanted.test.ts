// What a set-up adds to, and a teardown takes from, what is served.
import { describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../../src/forwarding/forwarding-table.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import type { AddressFacts } from '../../../../src/realserver/facts/facts.ts';
import { interfaceOf, roleOf } from '../../../../src/realserver/from-config.ts';
import { type RealServerOptions, serving, type Wanted } from '../../../../src/realserver/options.ts';
import { contradictions, together, without } from '../../../../src/realserver/plan/wanted.ts';
import { ANYONE } from '../../../../src/realserver/program/address-keys.ts';
import { parseConfig } from '../../config/yaml.ts';
import { DIRECTOR, VIP, wanted } from '../facts-sample.ts';

const SECOND = ip('192.0.2.11');
const OTHER_DIRECTOR = ip('10.0.0.9');
const GUE: Tunnel = { type: 'gue', checksum: 'none', port: 6080 };
const IPIP: Tunnel = { type: 'ipip' };

function request(changes: Partial<RealServerOptions> = {}): RealServerOptions {
  return {
    serves: serving([VIP], [IPIP]),
    directors: [DIRECTOR],
    interface: 'eth0',
    decapsulation: 'auto',
    mss: undefined,
    stateDirectory: '/nowhere',
    instance: 'default',
    ...changes,
  };
}

function on(name: string, ...addresses: readonly string[]): AddressFacts[] {
  return addresses.map((address) => ({ interface: name, address: ip(address), prefixLength: 24 }));
}

describe('set-up adds', () => {
  const first = together(undefined, request({ mss: 1400 }));

  test('VIPs, tunnels and directors', () => {
    const both = together(first, request({ serves: serving([SECOND], [GUE]), directors: [OTHER_DIRECTOR] }));
    expect(both.serves).toEqual([
      { vip: VIP, tunnel: IPIP, mss: 1400 },
      { vip: SECOND, tunnel: GUE, mss: 'auto' },
    ]);
    expect(both.directors).toEqual([DIRECTOR, OTHER_DIRECTOR]);
    expect(together(both, request())).toMatchObject({ directors: both.directors });
  });

  test('the same again is the same, and the MSS stays unless one is given', () => {
    expect(together(first, request())).toEqual(first);
    expect(together(first, request({ directors: [] }))).toEqual(first);
    expect(together(first, request({ mss: 'none' })).serves).toEqual([
      { vip: VIP, tunnel: IPIP, mss: 'none' },
    ]);
    const inBoth = together(first, request({ serves: serving([VIP], [GUE]), mss: 1300 }));
    expect(inBoth.serves.map(({ mss }) => mss)).toEqual([1300, 1300]);
  });

  test('another checksum of the same tunnel takes the place of the former one', () => {
    const before = together(undefined, request({ serves: serving([VIP], [GUE]) }));
    const remote = { ...GUE, checksum: 'remote' } as const;
    const after = together(before, request({ serves: serving([VIP], [remote]) }));
    expect(after.serves.map(({ tunnel }) => tunnel)).toEqual([remote]);
  });

  test('but not another interface', () => {
    expect(() => together(first, request({ interface: 'eth1' }))).toThrowError(/--instance eth1/);
  });

  test('what differs from before is said', () => {
    expect(contradictions(undefined, request())).toEqual([]);
    expect(contradictions(first, request())).toEqual([]);
    expect(contradictions(first, request({ serves: serving([SECOND], [GUE]) }))).toEqual([]);
    expect(contradictions(first, request({ serves: serving([VIP], [GUE]), instance: 'web' }))).toEqual([
      'an earlier set-up also accepts 192.0.2.10 in ipip. To stop this: culvert realserver teardown --vip 192.0.2.10 --tunnel ipip --instance web',
    ]);
    expect(contradictions(first, request({ serves: serving([VIP], [IPIP, GUE]) }))).toEqual([]);
    const open = together(undefined, request({ directors: [] }));
    expect(open.directors).toEqual([ANYONE[4]]);
    expect(contradictions(open, request())[0]).toContain('teardown --director 0.0.0.0');
  });
});

describe('teardown takes away', () => {
  const present: Wanted = {
    ...wanted({ directors: [DIRECTOR, OTHER_DIRECTOR] }),
    serves: serving([VIP, SECOND], [IPIP, GUE]).map((served) => ({ ...served, mss: 'auto' })),
  };
  const naming = { stateDirectory: '/nowhere', instance: 'default' };
  const left = (options: Partial<Parameters<typeof without>[1]>): string[] | undefined =>
    without(present, { ...naming, ...options })?.serves.map(
      ({ vip, tunnel }) => `${vip === VIP ? 10 : 11} ${tunnel.type}`,
    );

  test('VIPs, tunnels, or exactly one of a VIP', () => {
    expect(left({ vips: [VIP] })).toEqual(['11 ipip', '11 gue']);
    expect(left({ tunnels: [{ type: 'gue', port: 0 }] })).toEqual(['10 ipip', '11 ipip']);
    expect(left({ tunnels: [{ type: 'gue', port: 6081 }] })).toHaveLength(4);
    expect(left({ vips: [VIP], tunnels: [{ type: 'ipip', port: 0 }] })).toEqual([
      '10 gue',
      '11 ipip',
      '11 gue',
    ]);
    expect(left({ serves: serving([SECOND], [GUE]) })).toEqual(['10 ipip', '10 gue', '11 ipip']);
    expect(left({ vips: [VIP, SECOND] })).toBeUndefined();
  });

  test('directors, but for the last', () => {
    expect(without(present, { ...naming, directors: [DIRECTOR] })?.directors).toEqual([OTHER_DIRECTOR]);
    expect(() => without(present, { ...naming, directors: [DIRECTOR, OTHER_DIRECTOR] })).toThrowError(
      /no director would be left for 192\.0\.2\.10, 192\.0\.2\.11/,
    );
  });
});

describe("a director's file", () => {
  const config = parseConfig(
    `
director: {interface: eth0}
services:
  - {vip: 192.0.2.10, port: [80, 443], reals: [{address: 10.0.3.2, tunnel: gre}]}
  - {vip: 192.0.2.10, port: 8080, reals: [{address: 10.0.3.2}]}
  - {vip: 192.0.2.11, port: all, sorryServer: {address: 10.0.3.2}, check: none, reals: [{address: 10.0.9.9}]}
  - {vip: 192.0.2.12, port: 80, reals: [{address: 10.0.9.9}]}
`,
    'culvert.yaml',
  );

  test('names this host as a real or a sorry server, never by loopback or by a VIP', () => {
    const role = roleOf(config, [...on('lo', '127.0.0.1', '192.0.2.12'), ...on('eth1', '10.0.3.2')]);
    expect(role.serves).toEqual([
      { vip: VIP, tunnel: { type: 'gre', checksum: 'none' } },
      { vip: VIP, tunnel: IPIP },
      { vip: SECOND, tunnel: IPIP },
    ]);
    expect(role.listeners.map(({ port }) => port)).toEqual([80, 443, 8080]);
    expect(interfaceOf(role)).toBe('eth1');
  });

  test('that leaves something open says what', () => {
    expect(() => roleOf(config, on('eth0', '10.0.7.7'))).toThrowError(/This host has: 10\.0\.7\.7/);
    const several = roleOf(config, [...on('eth0', '10.0.9.9'), ...on('eth1', '10.0.3.2')]);
    expect(() => interfaceOf(several)).toThrowError(/--interface/);
    expect(() => interfaceOf(roleOf(config, on('lo', '10.0.3.2')))).toThrowError(/--interface/);
  });
});
