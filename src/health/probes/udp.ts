// The probe of `udp` checks.
import { randomBytes } from 'node:crypto';
import type { UdpProbeConfig } from '../../contract/checks/probe-config.ts';
import type { ProbeContext } from '../probe.ts';

/** The length of random data, as in keepalived: a server may take an empty datagram for an end. */
const RANDOM_BYTES = 32;

/** An ICMP error fails it; so does, where one is required, an answer that is not as it should be. */
export async function probeUdp(
  config: UdpProbeConfig,
  { connector, target, signal }: ProbeContext,
): Promise<void> {
  const payload =
    config.payload === undefined ? randomBytes(RANDOM_BYTES) : Buffer.from(config.payload, 'hex');
  const reply = await connector.exchangeUdp(target, { payload }, signal);
  const { reply: pattern, minReplyLength, maxReplyLength } = config;
  if (pattern === undefined) return;
  if (reply.length < minReplyLength || reply.length > maxReplyLength) {
    throw new Error(`the answer has ${reply.length} bytes; allowed: ${minReplyLength} to ${maxReplyLength}`);
  }
  if (pattern !== 'any' && !matches(Buffer.from(reply).toString('hex'), pattern)) {
    throw new Error('the answer is not the required one');
  }
}

/** Compares as keepalived does: digit by digit as far as both reach; `x` matches any digit. */
function matches(digits: string, pattern: string): boolean {
  return Array.from(pattern.slice(0, digits.length)).every(
    (wanted, index) => wanted === 'x' || wanted === digits[index],
  );
}
