import { describe, expect, test } from 'vitest';
import { ip } from '../../../../src/net/address/ip-address.ts';
import { parseIpNetwork } from '../../../../src/net/address/ip-network.ts';

describe('networks', () => {
  test.each([
    ['198.51.100.7/24', '198.51.100.0', 24],
    ['198.51.100.7', '198.51.100.7', 32],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['2001:db8:1:2::3/33', '2001:db8::', 33],
    ['2001:db8::1', '2001:db8::1', 128],
    ['::/0', '::', 0],
  ])('%s is read', (text, address, prefixLength) => {
    expect(parseIpNetwork(text)).toEqual({ address: ip(address), prefixLength });
  });

  test.each(['', '/24', '198.51.100.0/33', '2001:db8::/129', '198.51.100.0/', '198.51.100.0/a', '10.0.0/8'])(
    '%j is refused',
    (text) => expect(parseIpNetwork(text)).toBeUndefined(),
  );
});
