// Membership in multicast groups.
import { IPV6_ADDRESS_BYTES, type Ipv6Address, writeIpv6Address } from '../../net/address/ipv6-address.ts';
import { type Descriptor, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { AF } from './address-family.ts';

const IPV6_ADD_MEMBERSHIP = 20;
const MEMBERSHIP_BYTES = IPV6_ADDRESS_BYTES + 4;

/**
 * More may not fit: each takes some of what a socket may have for options (net.core.optmem_max, 20 KiB on
 * many kernels), less than 100 bytes.
 */
export const GROUPS_PER_SOCKET = 128;

/**
 * Is a member of IPv6 multicast groups as long as it is open: the kernel reports them to multicast routers and to switches that
 * look (RFC 3810), which send a group's packets to no one else. What comes to the groups is not read.
 */
export class GroupMember implements Disposable {
  readonly #descriptor: Descriptor;

  /** @throws CulvertError KERNEL, EAFNOSUPPORT on a kernel without IPv6. */
  constructor() {
    this.#descriptor = openSocket('group member', { domain: AF.inet6, type: SOCK.datagram, protocol: 0 });
  }

  /** @throws CulvertError KERNEL, ENODEV for an interface that is gone, EINVAL for one without IPv6. */
  join(group: Ipv6Address, ifIndex: number): void {
    const membership = Buffer.alloc(MEMBERSHIP_BYTES);
    writeIpv6Address(membership, 0, group);
    membership.writeInt32LE(ifIndex, IPV6_ADDRESS_BYTES);
    this.#descriptor.setOption(SOL.ipv6, IPV6_ADD_MEMBERSHIP, membership);
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }
}
