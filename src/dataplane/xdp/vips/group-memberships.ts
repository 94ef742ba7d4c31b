// Multicast groups that solicitations for IPv6 VIPs are sent to.
import { errnoOf } from '../../../linux/errno.ts';
import { GROUPS_PER_SOCKET, GroupMember } from '../../../linux/sockets/group-member.ts';
import { PacketSocket } from '../../../linux/sockets/packet-socket.ts';
import { type IpAddress, isIpv6 } from '../../../net/address/ip-address.ts';
import type { Ipv6Address } from '../../../net/address/ipv6-address.ts';
import { multicastMac, solicitedNodeAddress } from '../../../net/address/ipv6-multicast.ts';

/**
 * Joins the multicast groups of neighbour solicitations for VIPs, which are made of the VIP's last 24 bits, so that adapters
 * accept these frames and switches send them here. No address of the host asks for them.
 */
export class GroupMemberships implements Disposable {
  #sockets: DisposableStack | undefined;
  #joined = '';

  /** Joins the groups of these VIPs on these interfaces, and leaves all others. */
  set(vips: Iterable<IpAddress>, ifIndices: readonly number[]): void {
    const groups = new Set<Ipv6Address>();
    for (const vip of vips) if (isIpv6(vip)) groups.add(solicitedNodeAddress(vip));
    const wanted = [...groups, ...ifIndices].join(' ');
    if (wanted === this.#joined) return;
    const former = this.#sockets;
    this.#sockets = join([...groups], ifIndices);
    this.#joined = wanted;
    // A socket's memberships end with it; the new ones must exist first.
    former?.dispose();
  }

  [Symbol.dispose](): void {
    this.#sockets?.dispose();
  }
}

function join(groups: readonly Ipv6Address[], ifIndices: readonly number[]): DisposableStack {
  using opening = new DisposableStack();
  if (groups.length > 0) joinFrames(opening.use(new PacketSocket(0)), groups, ifIndices);
  for (const ifIndex of ifIndices) {
    for (let from = 0; from < groups.length; from += GROUPS_PER_SOCKET) {
      const some = groups.slice(from, from + GROUPS_PER_SOCKET);
      unlessAbsent(() => joinGroups(opening.use(new GroupMember()), some, ifIndex));
    }
  }
  return opening.move();
}

/** Joins on the adapter only, so that it works where the interface has no IPv6. */
function joinFrames(
  socket: PacketSocket,
  groups: readonly Ipv6Address[],
  ifIndices: readonly number[],
): void {
  for (const ifIndex of ifIndices) {
    unlessAbsent(() => {
      for (const group of groups) socket.joinGroup(multicastMac(group), ifIndex);
    });
  }
}

function joinGroups(member: GroupMember, groups: readonly Ipv6Address[], ifIndex: number): void {
  for (const group of groups) member.join(group, ifIndex);
}

/** Ignores an interface that is gone, whose notification is on its way, and missing IPv6 on it or in general. */
function unlessAbsent(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!ABSENT.has(errnoOf(error) ?? '')) throw error;
  }
}

const ABSENT: ReadonlySet<string> = new Set(['ENODEV', 'EINVAL', 'EAFNOSUPPORT']);
