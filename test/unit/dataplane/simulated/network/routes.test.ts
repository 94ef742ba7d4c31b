import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RouteTable } from '../../../../../src/dataplane/simulated/network/routes.ts';
import { type Ipv4Address, ipv4 } from '../../../../../src/net/address/ipv4-address.ts';

const bits = (value: number): string => value.toString(2).padStart(32, '0');

test('the longest prefix wins, whatever the order of adding', () => {
  const routes = new RouteTable<string>();
  routes.add(ipv4('0.0.0.0'), 0, 'default');
  routes.add(ipv4('10.0.1.2'), 32, 'host');
  routes.add(ipv4('10.0.0.0'), 8, 'ten');
  routes.add(ipv4('10.0.1.77'), 24, 'subnet');
  expect(
    ['10.0.1.2', '10.0.1.3', '10.9.9.9', '192.0.2.1'].map((text) => routes.find(ipv4(text))),
  ).toStrictEqual(['host', 'subnet', 'ten', 'default']);
  routes.add(ipv4('10.0.1.0'), 24, 'another');
  expect(routes.find(ipv4('10.0.1.3'))).toBe('another');
});

test('finds what comparing with every route finds', () => {
  const address = fc.nat(0xffff_ffff) as unknown as fc.Arbitrary<Ipv4Address>;
  const route = fc.tuple(address, fc.nat(32));
  fc.assert(
    fc.property(fc.array(route, { maxLength: 20 }), address, (added, wanted) => {
      const routes = new RouteTable<number>();
      for (const [network, prefixBits] of added) routes.add(network, prefixBits, prefixBits);
      const lengths = added
        .filter(
          ([network, prefixBits]) => bits(network).slice(0, prefixBits) === bits(wanted).slice(0, prefixBits),
        )
        .map(([, prefixBits]) => prefixBits);
      expect(routes.find(wanted)).toBe(lengths.length === 0 ? undefined : Math.max(...lengths));
    }),
  );
});
