// The probe of `dns` checks.
import { randomInt } from 'node:crypto';
import { DNS_QUERY_TYPES, type DnsProbeConfig } from '../../contract/checks/probe-config.ts';
import type { ProbeContext } from '../probe.ts';
import { buildDnsQuery, dnsResponseCode, isDnsResponse } from './dns-message.ts';

/** RFC 1035, section 4.1.1. */
const RESPONSE_CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

const REFUSED = 5;

/** Passes with an answer without error, whether or not it has records, as keepalived's; a refusal may do as well. */
export async function probeDns(
  { queryType, queryName, acceptsRefusal }: DnsProbeConfig,
  { connector, target, signal }: ProbeContext,
): Promise<void> {
  const id = randomInt(0x1_0000);
  const payload = buildDnsQuery({ id, type: DNS_QUERY_TYPES[queryType], name: queryName });
  const accept = (reply: Uint8Array): boolean => isDnsResponse(reply, id);
  const reply = await connector.exchangeUdp(target, { payload, accept }, signal);
  const code = dnsResponseCode(reply);
  if (code !== 0 && !(acceptsRefusal && code === REFUSED))
    throw new Error(`DNS: ${queryName} ${queryType}: ${RESPONSE_CODES[code] ?? `code ${code}`}`);
}
