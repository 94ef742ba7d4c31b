import { expect, test } from 'vitest';
import { refuseUnsupported } from '../../../src/dataplane/refuse-unsupported.ts';
import type { CulvertError } from '../../../src/errors.ts';
import { DEFAULT_TIMEOUTS, type ForwardingTable, type Service } from '../../../src/forwarding/table.ts';
import { ip } from '../../../src/net/ip-address.ts';

const REAL = { address: ip('10.0.3.2'), weight: 1, serving: true };
const SERVICE: Service = {
  vip: ip('192.0.2.10'),
  protocol: 'tcp',
  port: 80,
  scheduler: 'mh',
  hashOn: 'flow',
  tunnel: { type: 'ipip' },
  blackhole: { policy: 'cure', after: 2 },
  reals: [REAL],
};

function table(fields: Partial<Service>): ForwardingTable {
  const services = [SERVICE, { ...SERVICE, port: 81, ...fields }];
  return { hashKey: new Uint8Array(16), timeouts: DEFAULT_TIMEOUTS, services };
}

test.each<[words: string, fields: Partial<Service>]>([
  ['IPv6', { vip: ip('2001:db8::1') }],
  ['scheduler twos', { scheduler: 'twos' }],
  ['protocol sctp', { protocol: 'sctp' }],
  ['several ports', { port: 0 }],
  ['several ports', { morePorts: [443] }],
  ['onePacket', { onePacket: true }],
  ['persistence', { persistence: { timeoutMs: 1000, prefixLength: 32 } }],
  ['type gre', { tunnel: { type: 'gre', checksum: 'none' } }],
  ['type gue', { reals: [{ ...REAL, tunnel: { type: 'gue', port: 6080, checksum: 'none' } }] }],
  ['GUE to port 0', { tunnel: { type: 'gue', port: 0, checksum: 'none' } }],
  ['GUE to port 0', { reals: [{ ...REAL, tunnel: { type: 'gue', port: 0, checksum: 'full' } }] }],
  ['IPv6 reals (2001:db8::2)', { reals: [REAL, { ...REAL, address: ip('2001:db8::2') }] }],
  ['thresholds', { reals: [{ ...REAL, upperThreshold: 5 }] }],
])('a table with %s is refused by name', (words, fields) => {
  let thrown: CulvertError | undefined;
  try {
    refuseUnsupported(table(fields), 'simulated');
  } catch (error) {
    thrown = error as CulvertError;
  }
  expect(thrown?.code).toBe('UNSUPPORTED');
  expect(thrown?.message).toContain(words);
});

test('what the planes can do passes', () => {
  expect(() => refuseUnsupported(table({ scheduler: 'wrr', protocol: 'udp' }), 'simulated')).not.toThrow();
  expect(() => refuseUnsupported({ ...table({}), expireNodestConn: true }, 'xdp')).not.toThrow();
  expect(() => refuseUnsupported({ ...table({}), expireNodestConn: false }, 'xdp')).toThrow(
    'expireNodestConn',
  );
  const ipv6 = { vip: ip('2001:db8::1'), tunnel: { type: 'gre', checksum: 'none' } } as const;
  expect(() => refuseUnsupported(table(ipv6), 'xdp')).not.toThrow();
});
