import { readU16 } from '../../../../src/net/bytes.ts';
import type { GoldenReal } from '../../../golden/ipvs/golden.ts';
import { readable } from './observe.ts';

const IPV6_HEADER_BYTES = 40;
const ICMP = { v4: 1, v6: 58 } as const;
const TUNNELLED = [4, 41];
const TCP = 6;
const TCP_RST = 0x04;
const ICMP_HEADER_BYTES = 8;
const UNREACHABLE = { [ICMP.v4]: 3, [ICMP.v6]: 1 } as const;

interface Ip {
  readonly protocol: number;
  /** In hexadecimal. */
  readonly source: string;
  readonly destination: string;
  readonly payload: Uint8Array;
}

/** One letter for each packet sent: see `Outcome.to`. */
export function whereTo(
  sent: readonly Uint8Array[],
  left: readonly Uint8Array[],
  reals: readonly GoldenReal[],
): string {
  const fates = left.map((packet) => fateOf(packet, reals));
  return sent
    .map((packet) => {
      const flow = flowOf(parse(packet));
      const at = fates.findIndex((fate) => fate.flow === flow);
      return at < 0 ? '.' : (fates.splice(at, 1)[0]?.letter ?? '.');
    })
    .join('');
}

function fateOf(packet: Uint8Array, reals: readonly GoldenReal[]): { flow: string; letter: string } {
  const ip = parse(packet);
  if (TUNNELLED.includes(ip.protocol)) {
    const destination = address(ip.destination);
    const letter = reals.find((real) => real.address === destination)?.name ?? '?';
    return { flow: flowOf(parse(ip.payload)), letter };
  }
  if (ip.protocol === ICMP.v4 || ip.protocol === ICMP.v6) {
    const letter = ip.payload[0] === UNREACHABLE[ip.protocol] ? 'u' : 'i';
    return { flow: flowOf(parse(ip.payload.subarray(ICMP_HEADER_BYTES))), letter };
  }
  const reset = ip.protocol === TCP && ((ip.payload[13] ?? 0) & TCP_RST) !== 0;
  return { flow: flowOf(ip, true), letter: reset ? 'r' : '?' };
}

function flowOf({ protocol, source, destination, payload }: Ip, reversed = false): string {
  const near = `${source}:${readU16(payload, 0)}`;
  const far = `${destination}:${readU16(payload, 2)}`;
  return [protocol, ...(reversed ? [far, near] : [near, far])].join(' ');
}

function parse(packet: Uint8Array): Ip {
  const bytes = Buffer.from(packet);
  if ((packet[0] as number) >> 4 === 6) {
    return {
      protocol: packet[6] as number,
      source: bytes.toString('hex', 8, 24),
      destination: bytes.toString('hex', 24, 40),
      payload: packet.subarray(IPV6_HEADER_BYTES),
    };
  }
  return {
    protocol: packet[9] as number,
    source: bytes.toString('hex', 12, 16),
    destination: bytes.toString('hex', 16, 20),
    payload: packet.subarray(((packet[0] as number) & 15) * 4),
  };
}

function address(hex: string): string {
  return readable(hex.length === 8 ? hex : (hex.match(/..../g) ?? []).join(':'));
}
