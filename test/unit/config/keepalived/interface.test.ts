import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { interfacesOfRoutes } from '../../../../src/config/host/host-routes.ts';
import { parseIpv4 } from '../../../../src/net/address/ipv4-address.ts';
import { errorsOf, FILE, read, SOUND } from './read.ts';

function instance(name: string, address: string): string {
  return `vrrp_instance ${name} {\n interface ${name}\n virtual_ipaddress {\n  ${address}/24 dev ${name} label x\n }\n}\n`;
}

test('the interface is that of the vrrp_instance, and is said', () => {
  const { config, warnings } = read(instance('eth7', '192.0.2.99') + SOUND, { director: {} });
  expect(config.director.interfaces).toEqual(['eth7']);
  expect(warnings).toContain(
    `${FILE}:2:12: director.interface: eth7, taken from this vrrp_instance; to use another one, give --interface`,
  );
});

test('of several instances that with the virtual address counts', () => {
  const text = instance('eth1', '198.51.100.1') + instance('eth7', '192.0.2.10') + SOUND;
  expect(read(text, { director: {} }).config.director.interfaces).toEqual(['eth7']);
});

/** Who answers for the virtual addresses of a file. */
function claims(text: string, director = {}): readonly string[] {
  const { config } = read(text, { director: { interface: 'eth1', ...director } });
  return [...new Set(config.services.map(({ claim }) => claim))];
}

test('the host answers for addresses that VRRP moves, the director for others', () => {
  expect(claims(SOUND)).toEqual(['always']);
  expect(claims(instance('eth1', '198.51.100.1') + SOUND)).toEqual(['always']);
  expect(claims(instance('eth7', '192.0.2.10') + SOUND)).toEqual(['host']);
  const excluded = instance('eth7', '192.0.2.10').replace('virtual_ipaddress', 'virtual_ipaddress_excluded');
  expect(claims(excluded + SOUND)).toEqual(['host']);
  expect(claims(instance('eth7', '192.0.2.10') + SOUND, { claim: 'never' })).toEqual(['never']);
});

test('several instances that say nothing of it are an error with their names', () => {
  const [error] = errorsOf(instance('eth1', '198.51.100.1') + instance('eth7', '198.51.100.2') + SOUND, {
    director: {},
  });
  expect(error).toMatch(
    /^keepalived\.conf:2:12: vrrp_instance names eth1 and eth7; fix: give --interface NAME/,
  );
});

test('without an instance it is the one by which the real servers are reached, and is said', () => {
  const asked: unknown[] = [];
  const interfacesTo = (addresses: readonly unknown[]): string[] => {
    asked.push(...addresses);
    return ['eth3'];
  };
  const { config, warnings } = read(SOUND, { director: {}, interfacesTo });
  expect(asked).toEqual([parseIpv4('10.0.3.2')]);
  expect(config.director.interfaces).toEqual(['eth3']);
  expect(warnings).toEqual([
    `${FILE}:1:1: director.interface: eth3, which is on the route to the real servers; to use another one, give --interface`,
  ]);
});

test('several ways to the real servers, or none, are an error that says what to do', () => {
  const several = errorsOf(SOUND, { director: {}, interfacesTo: () => ['eth3', 'eth4'] });
  expect(several).toContain(
    `${FILE}:1:1: the real servers are reached through eth3 and eth4; fix: give --interface NAME, the interface on which traffic for virtual addresses arrives`,
  );
  const none = errorsOf(SOUND, { director: {}, interfacesTo: () => [] });
  expect(none).toEqual([expect.stringMatching(/which network interface .*; fix: give --interface NAME$/)]);
});

function neverAsked(): string[] {
  throw new Error('asked');
}

test('what is named counts, and nobody is asked', () => {
  const text = instance('eth7', '192.0.2.10') + SOUND;
  const { config } = read(text, { director: { interface: 'eth0' }, interfacesTo: neverAsked });
  expect(config.director.interfaces).toEqual(['eth0']);
});

test('the routes of this machine lead where ip route says', () => {
  const { stdout } = spawnSync('ip', ['route', 'get', '198.51.100.7'], { encoding: 'utf8' });
  const device = / dev (\S+)/.exec(stdout)?.[1];
  const expected = device === undefined || device === 'lo' ? [] : [device];
  expect(interfacesOfRoutes([parseIpv4('198.51.100.7') ?? fail()])).toEqual(expected);
  expect(interfacesOfRoutes([parseIpv4('127.0.0.1') ?? fail()])).toEqual([]);
});

function fail(): never {
  throw new Error('no address');
}
