import { describe, expect, test } from 'vitest';
import { parseServiceName, serviceName } from '../../../../src/contract/api/service-text.ts';
import { formatServiceName } from '../../../../src/forwarding/service-name.ts';
import { formatIp, ip } from '../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';

describe('service names', () => {
  test.each(['tcp:192.0.2.10:80', 'tcp 192.0.2.10:80'])('%s is read', (text) => {
    expect(parseServiceName(text)).toEqual({ protocol: 'tcp', vip: ipv4('192.0.2.10'), port: 80 });
  });

  test.each([
    ['sctp:[2001:db8::10]:7', { protocol: 'sctp', vip: ip('2001:db8::10'), port: 7 }],
    ['udp:192.0.2.10:all', { protocol: 'udp', vip: ip('192.0.2.10'), port: 0 }],
    ['tcp [2001:db8::10]:all', { protocol: 'tcp', vip: ip('2001:db8::10'), port: 0 }],
  ] as const)('%s is read, and written back', (text, service) => {
    expect(parseServiceName(text)).toEqual(service);
    const { protocol, vip, port } = service;
    expect(serviceName({ protocol, vip: formatIp(vip), port })).toBe(text.replace(/^(\w+):/, '$1 '));
    expect(formatServiceName(service)).toBe(text.replace(/^(\w+):/, '$1 '));
  });

  test.each([
    '',
    'tcp:192.0.2.10',
    'icmp:192.0.2.10:80',
    'tcp:2001:db8::10:80',
    'tcp:[192.0.2.10]:80',
    'tcp:192.0.2.999:80',
    'tcp:192.0.2.10:0',
    'udp:192.0.2.10:65536',
  ])('%j is refused', (text) => expect(parseServiceName(text)).toBeUndefined());

  test('a service is shown with a space', () => {
    expect(serviceName({ protocol: 'udp', vip: '192.0.2.10', port: 53 })).toBe('udp 192.0.2.10:53');
  });
});
