import { expect, test } from 'vitest';
import { validateAgainstHost } from '../../../src/config/host.ts';
import { parseHostFacts, readHostFacts } from '../../../src/config/host-facts.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { ip } from '../../../src/net/ip-address.ts';
import { ipv4 } from '../../../src/net/ipv4-address.ts';

const TEXT = `director:
  interface: eth7
services:
  - {vip: 192.0.2.10, port: 80, reals: []}
  - {vip: 192.0.2.11, port: 80, reals: []}
`;

test('an interface that does not exist, at its place; a VIP may be an address of the host', () => {
  const host = { interfaces: ['lo', 'eth0'], addresses: [ipv4('192.0.2.11'), ipv4('127.0.0.1')] };
  const validate = (): void => validateAgainstHost(parseConfig(TEXT, 'c.yaml'), host);
  expect(validate).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      where: 'c.yaml:2:14',
      message: expect.stringMatching(/^c\.yaml:2:14: .*no interface 'eth7'; allowed: one of eth0$/),
    }),
  );
});

test('a sound one passes, and the simulated plane asks nothing of the host', () => {
  const host = { interfaces: ['eth7'], addresses: [] };
  expect(() => validateAgainstHost(parseConfig(TEXT, 'c.yaml'), host)).not.toThrow();
  const simulated = parseConfig(TEXT.replace('interface: eth7', 'plane: simulated'), 'c.yaml');
  const everywhere = { interfaces: [], addresses: [ipv4('192.0.2.10')] };
  expect(() => validateAgainstHost(simulated, everywhere)).not.toThrow();
});

test('facts from /proc', () => {
  const devices = `Inter-|   Receive          |  Transmit
 face |bytes    packets errs|bytes
    lo:    3193      29    0
eth0.100: 1 2 3
`;
  const routes = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.0.0/24 2 0 2
        |-- 10.0.0.1
           /32 host LOCAL
        |-- 10.0.0.255
           /32 link BROADCAST
        |-- 10.0.9.9
           /32 link UNICAST
           /32 host LOCAL
Local:
        |-- 10.0.0.1
           /32 host LOCAL
`;
  const ipv6 = `00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000002 02 40 00 80 eth0.100
`;
  expect(parseHostFacts(devices, routes, ipv6)).toEqual({
    interfaces: ['lo', 'eth0.100'],
    addresses: [ip('10.0.0.1'), ip('10.0.9.9'), ip('::1'), ip('2001:db8::2')],
  });
});

test('the facts of this machine', async () => {
  const facts = await readHostFacts();
  expect(facts.interfaces).toContain('lo');
  expect(facts.addresses.length).toBeGreaterThan(0);
});
