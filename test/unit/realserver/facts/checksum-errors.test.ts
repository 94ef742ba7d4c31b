import { expect, test } from 'vitest';
import { checksumFinding, parseChecksumErrors } from '../../../../src/realserver/facts/checksum-errors.ts';

const SNMP = `Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 1000 900 3 7 2 7
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors
Udp: 50 1 2 60 0 0 2
UdpLite: InDatagrams InCsumErrors
UdpLite: 9 9
`;
const SNMP6 = 'Udp6InDatagrams                  \t40\nUdp6InCsumErrors                \t1\n';

test('both families and protocols are read from the counters of the kernel', () => {
  expect(parseChecksumErrors(SNMP, SNMP6)).toEqual({
    tcp: { received: 1000, errors: 7 },
    udp: { received: 93, errors: 3 },
  });
});

test('a kernel without IPv6 has no snmp6', () => {
  expect(parseChecksumErrors(SNMP, '').udp).toEqual({ received: 52, errors: 2 });
});

test.each([
  [0, 0, true],
  [1000, 10, true],
  [1000, 11, false],
  [3, 3, false],
])('of %i segments %i are wrong: ok %s', (received, errors, ok) => {
  const none = { received: 0, errors: 0 };
  for (const counts of [
    { tcp: { received, errors }, udp: none },
    { tcp: none, udp: { received, errors } },
  ]) {
    const found = checksumFinding(counts);
    expect(found.ok).toBe(ok);
    expect(found.remedy === '').toBe(ok);
  }
});
