// Describes a packet or frame in readable lines.
import { formatIpv4 } from '../address/ipv4-address.ts';
import { ARP_OPERATION, parseArp } from '../headers/arp.ts';
import { ETHERTYPE, formatMac, parseTaggedEthernet, type VlanTag } from '../headers/ethernet.ts';
import { GUE_PORT } from '../headers/gue.ts';
import { ipLines } from './ip-lines.ts';
import { dataLines, faultLines, hex, indent } from './text.ts';

export interface DescribeOptions {
  /** UDP ports whose datagrams are parsed as GUE; 6080 unless given. */
  readonly guePorts?: readonly number[];
}

/** An IPv4 or IPv6 packet in readable lines, each layer indented below the one that carries it. */
export function describePacket(packet: Uint8Array, options: DescribeOptions = {}): string {
  return packetLines(packet, options).join('\n');
}

/** An Ethernet frame in readable lines. */
export function describeFrame(frame: Uint8Array, options: DescribeOptions = {}): string {
  const header = parseTaggedEthernet(frame);
  if (typeof header === 'string') return faultLines('Ethernet', header, frame).join('\n');
  const payload = frame.subarray(header.headerBytes);
  const tags = header.tags.map((tag) => ` ${tagText(tag)},`).join('');
  const line = `Ethernet ${formatMac(header.source)} > ${formatMac(header.destination)},${tags} type ${hex(header.etherType, 4)}, ${frame.length} bytes`;
  return [line, ...indent(etherPayloadLines(header.etherType, payload, options))].join('\n');
}

function packetLines(packet: Uint8Array, { guePorts = [GUE_PORT] }: DescribeOptions): string[] {
  return ipLines(packet, { cutOff: false, depth: 0, guePorts: new Set(guePorts) });
}

function tagText({ id, priority, dropEligible, tagProtocol }: Required<VlanTag>): string {
  const protocol = tagProtocol === ETHERTYPE.vlan ? '' : ` (${hex(tagProtocol, 4)})`;
  return `VLAN ${id}${protocol} priority ${priority}${dropEligible ? ' drop eligible' : ''}`;
}

function etherPayloadLines(etherType: number, payload: Uint8Array, options: DescribeOptions): string[] {
  if (etherType === ETHERTYPE.ipv4 || etherType === ETHERTYPE.ipv6) return packetLines(payload, options);
  if (etherType === ETHERTYPE.arp) return arpLines(payload);
  return dataLines(payload);
}

function arpLines(bytes: Uint8Array): string[] {
  const arp = parseArp(bytes);
  if (typeof arp === 'string') return faultLines('ARP', arp, bytes);
  const sender = `${formatIpv4(arp.senderAddress)} (${formatMac(arp.senderMac)})`;
  const target = `${formatIpv4(arp.targetAddress)} (${formatMac(arp.targetMac)})`;
  const operation =
    arp.operation === ARP_OPERATION.request
      ? 'request'
      : arp.operation === ARP_OPERATION.reply
        ? 'reply'
        : `operation ${arp.operation}`;
  return [`ARP ${operation}, sender ${sender}, target ${target}`];
}
