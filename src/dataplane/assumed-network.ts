// A forwarder without a network: every next hop counts as known, every MTU as the usual one.
import type { ForwardingImage } from '../forwarding/image/forwarding-image.ts';
import { createForwarderState, type ForwarderState } from '../forwarding/state.ts';
import { isIpv4 } from '../net/address/ip-address.ts';
import type { Ipv4Address } from '../net/address/ipv4-address.ts';
import type { Ipv6Address } from '../net/address/ipv6-address.ts';

export const ASSUMED_MTU_BYTES = 1500;

/** The unknown source address: only the machine's routes determine which address it sends from. */
const UNKNOWN_SOURCE = { ipv4: 0 as Ipv4Address, ipv6: 0n as Ipv6Address } as const;
/** A next hop of zeroes would count as unknown. */
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const SOME_NEXT_HOP = { nextHopMac: MAC, sourceMac: MAC, ifIndex: 1 };

/** Returns what decides by an image where the network is not known, so that a packet can be explained. */
export function assumeNetwork(image: ForwardingImage): ForwarderState {
  for (const { index, address } of image.reals()) {
    const sourceAddress = isIpv4(address) ? UNKNOWN_SOURCE.ipv4 : UNKNOWN_SOURCE.ipv6;
    image.setPath(index, { sourceAddress, mtuBytes: ASSUMED_MTU_BYTES, resolved: SOME_NEXT_HOP });
  }
  return createForwarderState({
    image,
    linkMtuBytes: ASSUMED_MTU_BYTES,
    interfaceMac: SOME_NEXT_HOP.sourceMac,
  });
}
