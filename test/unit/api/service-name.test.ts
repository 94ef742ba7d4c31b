import { describe, expect, test } from 'vitest';
import { parseServiceName, serviceName } from '../../../src/api/service-name.ts';
import { ipv4 } from '../../../src/net/ipv4-address.ts';

describe('service names', () => {
  test.each(['tcp:192.0.2.10:80', 'tcp 192.0.2.10:80'])('%s is read', (text) => {
    expect(parseServiceName(text)).toEqual({ protocol: 'tcp', vip: ipv4('192.0.2.10'), port: 80 });
  });

  test.each([
    '',
    'tcp:192.0.2.10',
    'sctp:192.0.2.10:80',
    'tcp:192.0.2.999:80',
    'tcp:192.0.2.10:0',
    'udp:192.0.2.10:65536',
  ])('%j is refused', (text) => expect(parseServiceName(text)).toBeUndefined());

  test('a service is shown with a space', () => {
    expect(serviceName({ protocol: 'udp', vip: '192.0.2.10', port: 53 })).toBe('udp 192.0.2.10:53');
  });
});
