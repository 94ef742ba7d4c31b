// Counts the packets that this host has dropped for a wrong checksum.
import { existsSync, readFileSync } from 'node:fs';
import { type Finding, finding } from '../verify/finding.ts';

/** The packets of both families that this network namespace has received, and those dropped for their checksum. */
export interface ChecksumErrors {
  readonly tcp: { readonly received: number; readonly errors: number };
  readonly udp: { readonly received: number; readonly errors: number };
}

/** Single frames are damaged on any network; more than this share is a sender that does not finish its checksums. */
const TOLERATED_SHARE = 0.01;

export function readChecksumErrors(): ChecksumErrors {
  return parseChecksumErrors(textOf('/proc/net/snmp'), textOf('/proc/net/snmp6'));
}

/** A kernel without IPv6 has no counters of it. */
function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** @param snmp the text of /proc/net/snmp @param snmp6 that of /proc/net/snmp6 */
export function parseChecksumErrors(snmp: string, snmp6: string): ChecksumErrors {
  const tcp = counters(snmp, 'Tcp');
  const udp = counters(snmp, 'Udp');
  const udp6 = (name: string): number =>
    Number(new RegExp(`^Udp6${name}\\s+(\\d+)`, 'm').exec(snmp6)?.[1] ?? 0);
  const udpErrors = udp('InCsumErrors') + udp6('InCsumErrors');
  return {
    tcp: { received: tcp('InSegs'), errors: tcp('InCsumErrors') },
    // Unlike those of TCP, datagrams with errors are not among those received.
    udp: { received: udp('InDatagrams') + udp6('InDatagrams') + udpErrors, errors: udpErrors },
  };
}

export function checksumFinding({ tcp, udp }: ChecksumErrors): Finding {
  return finding({
    check: 'checksums',
    ok: [tcp, udp].every(({ received, errors }) => errors <= TOLERATED_SHARE * received),
    found: `dropped for a wrong checksum: ${tcp.errors} of ${tcp.received} TCP segments, ${udp.errors} of ${udp.received} UDP datagrams`,
    expected: `at most ${100 * TOLERATED_SHARE} in 100`,
    remedy:
      'check whether the number still rises (nstat -asz TcpInCsumErrors). If it does, a sender on a veth or virtio device ' +
      'leaves checksums unfinished: run "ethtool -K DEVICE tx off" there, or update culvert on the director',
  });
}

/** The two lines of a protocol in /proc/net/snmp: names and values. */
function counters(snmp: string, protocol: string): (name: string) => number {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith(`${protocol}: `))
    .map((line) => line.split(' '));
  return (name) => Number(values[names.indexOf(name)] ?? 0);
}
