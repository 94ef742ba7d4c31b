import { expect, test } from 'vitest';
import { parseHostFacts, readHostFacts } from '../../../../src/config/host/host-facts.ts';
import { validateAgainstHost } from '../../../../src/config/host/require-host.ts';
import { parseYaml } from '../../../../src/config/load/parse-yaml.ts';

const TEXT = `director:
  interface: eth7
services:
  - {vip: 192.0.2.10, port: 80, reals: []}
  - {vip: 192.0.2.11, port: 80, reals: []}
`;

test('an interface that does not exist, at its place', () => {
  const host = { interfaces: ['lo', 'eth0'] };
  const validate = (): void => validateAgainstHost(parseYaml(TEXT, 'c.yaml'), host);
  expect(validate).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      where: 'c.yaml:2:14',
      message: expect.stringMatching(/^c\.yaml:2:14: .*no interface 'eth7'; allowed: one of eth0$/),
    }),
  );
});

test('a sound one passes, and the simulated plane asks nothing of the host', () => {
  const host = { interfaces: ['eth7'] };
  expect(() => validateAgainstHost(parseYaml(TEXT, 'c.yaml'), host)).not.toThrow();
  const simulated = parseYaml(TEXT.replace('interface: eth7', 'plane: simulated'), 'c.yaml');
  expect(() => validateAgainstHost(simulated, { interfaces: [] })).not.toThrow();
});

test('facts from /proc', () => {
  const devices = `Inter-|   Receive          |  Transmit
 face |bytes    packets errs|bytes
    lo:    3193      29    0
eth0.100: 1 2 3
`;
  expect(parseHostFacts(devices)).toEqual({ interfaces: ['lo', 'eth0.100'] });
});

test('the facts of this machine', async () => {
  const facts = await readHostFacts();
  expect(facts.interfaces).toContain('lo');
});
