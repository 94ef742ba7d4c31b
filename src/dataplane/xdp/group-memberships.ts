import { errnoOf } from '../../linux/errno.ts';
import { PacketSocket } from '../../linux/packet-socket.ts';
import { formatMac } from '../../net/ethernet.ts';
import { type IpAddress, isIpv6 } from '../../net/ip-address.ts';
import { multicastMac, solicitedNodeAddress } from '../../net/ipv6-multicast.ts';

/**
 * Has adapters take the neighbour solicitations for VIPs, which no address of the host's own asks them to: those go to a
 * multicast address made of the VIP's last 24 bits.
 */
export class GroupMemberships implements Disposable {
  #socket: PacketSocket | undefined;
  #joined = '';

  /** Of these VIPs on these interfaces, and no others. */
  set(vips: Iterable<IpAddress>, ifIndices: readonly number[]): void {
    const groups = new Map<string, Uint8Array>();
    for (const vip of vips) {
      if (!isIpv6(vip)) continue;
      const mac = multicastMac(solicitedNodeAddress(vip));
      groups.set(formatMac(mac), mac);
    }
    const wanted = [...groups.keys(), ...ifIndices].join(' ');
    if (wanted === this.#joined) return;
    const former = this.#socket;
    this.#socket = groups.size === 0 ? undefined : join([...groups.values()], ifIndices);
    this.#joined = wanted;
    // A socket's memberships end with it; not before the new one has its own.
    former?.close();
  }

  [Symbol.dispose](): void {
    this.#socket?.close();
  }
}

function join(macs: readonly Uint8Array[], ifIndices: readonly number[]): PacketSocket {
  using opening = new DisposableStack();
  const socket = opening.use(new PacketSocket(0));
  for (const ifIndex of ifIndices) for (const mac of macs) joinOn(socket, mac, ifIndex);
  opening.move();
  return socket;
}

function joinOn(socket: PacketSocket, mac: Uint8Array, ifIndex: number): void {
  try {
    socket.joinGroup(mac, ifIndex);
  } catch (error) {
    // The interface went away meanwhile; the notification about that is on its way.
    if (errnoOf(error) !== 'ENODEV') throw error;
  }
}
