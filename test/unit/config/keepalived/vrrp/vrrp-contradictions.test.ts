import { describe, expect, test } from 'vitest';
import { errorsOf, FILE, read, SOUND } from '../read.ts';

const SEED = { hashSeed: '00112233445566778899aabbccddeeff' };
const DIRECTOR = { interface: 'eth0', ...SEED };
const INSTANCE = `vrrp_instance VIPS {
    interface eth0
    virtual_router_id 51
    priority 150
    virtual_ipaddress {
        192.0.2.10/24
    }
}
`;

function warningsOf(text: string, director: object = DIRECTOR): string[] {
  return [...read(text, { director: { ...director } }).warnings];
}

test('a vrrp_instance is left to keepalived, and the host answers for its addresses', () => {
  const { config, warnings } = read(INSTANCE + SOUND, { director: DIRECTOR });
  expect(config.services[0]?.claim).toBe('host');
  expect(warnings).toEqual([
    `${FILE}:1:1: vrrp_instance: keepalived runs it beside culvert; start it with --vrrp`,
  ]);
});

describe('an address of two instances', () => {
  const second = INSTANCE.replace('VIPS', 'MORE').replace('51', '52');

  test('is an error with both lines, if it is that of a virtual server', () => {
    expect(errorsOf(INSTANCE + second + SOUND, { director: DIRECTOR })).toEqual([
      `${FILE}:14:9: vrrp_instance MORE: 192.0.2.10 is also an address of vrrp_instance VIPS, in line 6; ` +
        'fix: remove it from one of them, or two nodes may hold it at once',
    ]);
  });

  test('is left to keepalived otherwise', () => {
    const others = (INSTANCE + second).replaceAll('192.0.2.10', '192.0.2.99');
    expect(() => read(others + SOUND, { director: DIRECTOR })).not.toThrow();
  });
});

describe('what keeps VRRP from moving an address as it should is a warning at its place', () => {
  test('a virtual server whose address does not move', () => {
    const text = `${INSTANCE + SOUND}${SOUND.replace('192.0.2.10', '192.0.2.11')}`;
    expect(warningsOf(text)).toContainEqual(
      expect.stringContaining(
        `${FILE}:22:16: virtual_server: no vrrp_instance lists 192.0.2.11, so every node answers for it`,
      ),
    );
    expect(warningsOf(text, { ...DIRECTOR, claim: 'never' }).join('\n')).not.toContain('lists');
  });

  test('claim: always, and mh without a common seed', () => {
    expect(warningsOf(INSTANCE + SOUND, { ...DIRECTOR, claim: 'always' }).join('\n')).toContain(
      'with --set claim=always every node answers',
    );
    const mh = INSTANCE + SOUND.replace('wrr', 'mh');
    expect(warningsOf(mh).join('\n')).not.toContain('hash seed');
    expect(warningsOf(mh, { interface: 'eth0' }).join('\n')).toContain('without a common hash seed');
  });
});
