import type { ForwardingImage } from '../../src/forwarding/image/forwarding-image.ts';
import type { IpAddress } from '../../src/net/address/ip-address.ts';
import type { Ipv4Address } from '../../src/net/address/ipv4-address.ts';
import { readIpv6Address } from '../../src/net/address/ipv6-address.ts';
import { isIpv6Multicast } from '../../src/net/address/ipv6-multicast.ts';
import { readU16, readU32 } from '../../src/net/bytes.ts';
import { ETHERTYPE, isGroupMac } from '../../src/net/headers/ethernet.ts';
import { ICMPV6_TYPE } from '../../src/net/headers/icmpv6.ts';
import { IPV4_AT, IPV4_HEADER_BYTES, PROTOCOL } from '../../src/net/headers/ipv4.ts';
import { IPV6_AT, IPV6_HEADER_BYTES } from '../../src/net/headers/ipv6.ts';

const ARP_REQUEST_START = '0001080006040001';
const ARP_TARGET_AT = 24;
const SOLICITATION_TARGET_AT = IPV6_HEADER_BYTES + 8;
const SOLICITATION_BYTES = IPV6_HEADER_BYTES + 24;

/** Whether the director has to do with a frame at all: by its addresses alone, be it sound or not. */
export function isForVip(frame: Uint8Array, image: ForwardingImage): boolean {
  const typeAt = readU16(frame, 12) === ETHERTYPE.vlan ? 16 : 12;
  if (frame.length < typeAt + 2) return false;
  const payload = frame.subarray(typeAt + 2);
  const toGroup = isGroupMac(frame);
  switch (readU16(frame, typeAt)) {
    case ETHERTYPE.arp:
      return asksForVip(payload, image);
    case ETHERTYPE.ipv4:
      return (
        !toGroup &&
        payload.length >= IPV4_HEADER_BYTES &&
        image.isVip(readU32(payload, IPV4_AT.destination) as Ipv4Address)
      );
    case ETHERTYPE.ipv6:
      return payload.length >= IPV6_HEADER_BYTES && isIpv6ForVip(payload, image, toGroup);
    default:
      return false;
  }
}

function asksForVip(payload: Uint8Array, image: ForwardingImage): boolean {
  return (
    Buffer.from(payload).toString('hex').startsWith(ARP_REQUEST_START) &&
    payload.length >= ARP_TARGET_AT + 4 &&
    isAnswered(readU32(payload, ARP_TARGET_AT) as Ipv4Address, image)
  );
}

function isIpv6ForVip(payload: Uint8Array, image: ForwardingImage, toGroup: boolean): boolean {
  const destination = readIpv6Address(payload, IPV6_AT.destination);
  const toVip = !toGroup && image.isVip(destination);
  if (!toVip && !isIpv6Multicast(destination)) return false;
  if (payload[IPV6_AT.nextHeader] !== PROTOCOL.icmpv6 || payload.length < SOLICITATION_BYTES) return toVip;
  const type = payload[IPV6_HEADER_BYTES];
  // An answer to the host itself.
  if (type === ICMPV6_TYPE.neighbourAdvertisement) return false;
  const target = readIpv6Address(payload, SOLICITATION_TARGET_AT);
  return type === ICMPV6_TYPE.neighbourSolicitation && image.isVip(target)
    ? isAnswered(target, image)
    : toVip;
}

/** By the slow path, or by nobody; else by the host. */
function isAnswered(vip: IpAddress, image: ForwardingImage): boolean {
  return image.isVip(vip) && image.claimOf(vip) !== 'host';
}
