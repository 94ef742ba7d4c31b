// Reads numbers, addresses and ports as ipvsadm does.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import { formatIp, ip, parseIp } from '../../net/address/ip-address.ts';
import type { Names } from '../print/host-names.ts';
import type { AdmEndpoint } from './ipvsadm-command.ts';
import { AdmFault } from './ipvsadm-fault.ts';

/** Reads a whole text as strtol(3) does, within these bounds. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\s*[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** 31 days, the longest that IPVS remembers. */
const MAX_TIMEOUT_SECONDS = 86_400 * 31;

/** @throws AdmFault */
export function readTimeout(text: string, least: number): number {
  const seconds = wholeNumber(text, least, MAX_TIMEOUT_SECONDS);
  if (seconds === undefined) throw AdmFault.options(`invalid timeout value \`${text}' specified`);
  return seconds;
}

/** An endpoint, and whether its port was given. */
export type ReadEndpoint = AdmEndpoint & { readonly hasPort: boolean };

/**
 * `192.0.2.10:80`, `[2001:db8::10]:80`, `www.example.test:http`; undefined where it is nothing of the kind. Behind brackets
 * there has to be a port, which counts for nothing when an IPv4 address or a name is within them.
 */
export function readEndpoint(
  text: string,
  protocol: TransportProtocol,
  names: Names,
): ReadEndpoint | undefined {
  const parts = hostAndPort(text);
  const address = parts === undefined ? undefined : readAddress(parts.host, names);
  if (parts === undefined || address === undefined) return undefined;
  if (parts.port === undefined) return { address, port: 0, hasPort: false };
  const port = wholeNumber(parts.port, 0, 65_535) ?? names.portOf(parts.port, protocol);
  return port === undefined ? undefined : { address, port, hasPort: true };
}

interface HostAndPort {
  readonly host: string;
  readonly port: string | undefined;
}

function hostAndPort(text: string): HostAndPort | undefined {
  if (text.startsWith('[')) {
    const [, host, port] = /^\[([^\]]*)\]:(.*)$/.exec(text) ?? [];
    if (host === undefined) return undefined;
    return { host, port: isIpv6Text(host) ? port : undefined };
  }
  const colon = text.lastIndexOf(':');
  if (colon < 0 || isIpv6Text(text)) return { host: text, port: undefined };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function isIpv6Text(text: string): boolean {
  return text.includes(':') && parseIp(text) !== undefined;
}

function readAddress(text: string, names: Names): string | undefined {
  if (isIpv6Text(text)) return formatIp(ip(text));
  return readIpv4(text) ?? names.addressOf(text);
}

/** Reads an IPv4 address as inet_aton(3) does: one to four parts, the last one fills the rest; octal with 0, hexadecimal with 0x. */
export function readIpv4(text: string): string | undefined {
  const parts = text.split('.').map(readPart);
  if (parts.length > 4 || parts.some((part) => part === undefined)) return undefined;
  const [last = 0, ...rest] = (parts as number[]).toReversed();
  const free = 4 - rest.length;
  if (last >= 256 ** free || rest.some((part) => part > 255)) return undefined;
  const value = rest.toReversed().reduce((sum, part, at) => sum + part * 256 ** (3 - at), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

function readPart(text: string): number | undefined {
  if (/^0x[\da-f]+$/i.test(text)) return Number(text);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}
