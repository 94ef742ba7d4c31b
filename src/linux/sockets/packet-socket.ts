// Packet sockets: Ethernet frames of one interface.
import { type OwnedBytes, ownBytes } from '../../net/owned-bytes.ts';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';
import { type Descriptor, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { AF } from './address-family.ts';

const ETH_P_ALL = 3;
const SO_RCVBUFFORCE = 33;
const RECEIVE_BYTES = 8 << 20;
const FRAME_BYTES = 65_536;
const PACKET_OUTGOING = 4;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_MULTICAST = 0;
const MEMBERSHIP_BYTES = 16;
const ADDRESS_BYTES = 20;
const PACKET_TYPE_AT = 10;

export interface CapturedFrame {
  readonly frame: OwnedBytes;
  readonly outgoing: boolean;
}

/** Sends and, when asked to, receives Ethernet frames on one interface. */
export class PacketSocket implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #ifIndex: number;
  readonly #buffer: Uint8Array = new Uint8Array(FRAME_BYTES);
  readonly #from: Uint8Array = new Uint8Array(ADDRESS_BYTES);

  constructor(ifIndex: number, options: { readonly receive?: boolean } = {}) {
    this.#ifIndex = ifIndex;
    this.#descriptor = openSocket('packet socket', { domain: AF.packet, type: SOCK.raw, protocol: 0 });
    if (options.receive !== true) return;
    this.#descriptor.setOption(SOL.socket, SO_RCVBUFFORCE, RECEIVE_BYTES);
    const address = linkAddress(ifIndex, ETH_P_ALL);
    checked(`capture on interface ${ifIndex}`, libc.bind(this.#descriptor.fd, address, address.length));
  }

  /** False when the send buffer is full. @param ifIndex The interface to send it out of, if it is another one. */
  send(frame: Uint8Array, ifIndex: number = this.#ifIndex): boolean {
    return this.#descriptor.send(frame, linkAddress(ifIndex, 0)) !== undefined;
  }

  /**
   * Has the interface take the frames to a multicast address, 33:33:ff:00:00:01, as long as this socket is open:
   * adapters drop those that nobody asked for. @throws CulvertError KERNEL, ENODEV for one that is gone.
   */
  joinGroup(mac: Uint8Array, ifIndex: number = this.#ifIndex): void {
    this.#descriptor.setOption(SOL.packet, PACKET_ADD_MEMBERSHIP, membership(ifIndex, mac));
  }

  /** A copy of the next frame; undefined when there is none now. */
  receive(): CapturedFrame | undefined {
    const addressLength = Uint8Array.of(ADDRESS_BYTES, 0, 0, 0);
    const { fd } = this.#descriptor;
    const length = libc.recvfrom(fd, this.#buffer, FRAME_BYTES, 0, this.#from, addressLength);
    if (length < 0) return undefined;
    return {
      frame: ownBytes(this.#buffer.subarray(0, length)),
      outgoing: this.#from[PACKET_TYPE_AT] === PACKET_OUTGOING,
    };
  }

  onReadable(listener: () => void): void {
    this.#descriptor.onReadable(listener);
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** struct sockaddr_ll */
function linkAddress(ifIndex: number, protocol: number): Uint8Array {
  const bytes = Buffer.alloc(ADDRESS_BYTES);
  bytes.writeUInt16LE(AF.packet, 0);
  bytes.writeUInt16BE(protocol, 2);
  bytes.writeInt32LE(ifIndex, 4);
  return bytes;
}

/** struct packet_mreq */
function membership(ifIndex: number, mac: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(MEMBERSHIP_BYTES);
  bytes.writeInt32LE(ifIndex, 0);
  bytes.writeUInt16LE(PACKET_MR_MULTICAST, 4);
  bytes.writeUInt16LE(mac.length, 6);
  bytes.set(mac, 8);
  return bytes;
}
