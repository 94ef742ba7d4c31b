import { expect, test } from 'vitest';
import type { DataPlane } from '../../../src/dataplane/data-plane.ts';
import { refuseUnsupported } from '../../../src/dataplane/refuse-unsupported.ts';
import type { CulvertError } from '../../../src/errors.ts';
import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Service,
} from '../../../src/forwarding/forwarding-table.ts';
import { ip } from '../../../src/net/address/ip-address.ts';

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
  ['protocol sctp', { protocol: 'sctp' }],
  ['all ports', { port: 0 }],
  ['type gre', { tunnel: { type: 'gre', checksum: 'none' } }],
  ['type gue', { reals: [{ ...REAL, tunnel: { type: 'gue', port: 6080, checksum: 'none' } }] }],
  ['IPv6 reals (2001:db8::2)', { reals: [REAL, { ...REAL, address: ip('2001:db8::2') }] }],
])('the simulated plane refuses %s by name', (words, fields) => {
  expectRefused(table(fields), 'simulated', words);
  expect(() => refuseUnsupported(table(fields), 'xdp')).not.toThrow();
});

test.each<[words: string, fields: Partial<Service>]>([
  ['GUE to port 0', { tunnel: { type: 'gue', port: 0, checksum: 'none' } }],
  ['GUE to port 0', { reals: [{ ...REAL, tunnel: { type: 'gue', port: 0, checksum: 'full' } }] }],
  ['flag sh-port of scheduler rr', { scheduler: 'rr', schedulerFlags: ['sh-port'] }],
  ['onePacket of protocol tcp', { onePacket: true }],
  ['persistence of prefix 33', { persistence: { timeoutMs: 1000, prefixLength: 33 } }],
  ['lowerThreshold 6 above', { reals: [{ ...REAL, upperThreshold: 5, lowerThreshold: 6 }] }],
])('every plane refuses %s by name', (words, fields) => {
  for (const kind of ['xdp', 'simulated'] as const) expectRefused(table(fields), kind, words);
});

test('all else passes', () => {
  const options: Partial<Service> = {
    scheduler: 'sh',
    schedulerFlags: ['sh-fallback'],
    protocol: 'udp',
    morePorts: [82],
    onePacket: true,
  };
  expect(() => refuseUnsupported(table(options), 'simulated')).not.toThrow();
  const persistence = { timeoutMs: 1000, prefixLength: 64 };
  expect(() => refuseUnsupported(table({ vip: ip('2001:db8::1'), persistence }), 'xdp')).not.toThrow();
});

function expectRefused(refused: ForwardingTable, kind: DataPlane['kind'], words: string): void {
  let thrown: CulvertError | undefined;
  try {
    refuseUnsupported(refused, kind);
  } catch (error) {
    thrown = error as CulvertError;
  }
  expect(thrown?.code).toBe('UNSUPPORTED');
  expect(thrown?.message).toContain(words);
}
