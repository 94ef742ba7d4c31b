// The addresses of the director that checks are sent from.
import { listAddresses } from '../../../linux/netlink/address.ts';
import { IFA_F } from '../../../linux/netlink/constants.ts';
import type { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { type IpAddress, type IpFamily, isIpv4 } from '../../../net/address/ip-address.ts';
import { isIpv6LinkLocal } from '../../../net/address/ipv6-address.ts';

export interface OwnSource {
  readonly address: IpAddress;
  readonly ifIndex: number;
}

const FRESH_MS = 1000;
const IPV6_LOOPBACK = 1n;
const IPV4_LOOPBACK = 127;
const UNUSABLE: number = IFA_F.tentative | IFA_F.deprecated;

/**
 * The host's addresses that real servers can answer to. A VIP is none, even while it is an address of the host: real servers
 * have it as well, and drop packets that come from an address of their own.
 */
export class OwnSources {
  readonly #netlink: NetlinkSocket;
  readonly #isVip: (address: IpAddress) => boolean;
  #known: readonly OwnSource[] = [];
  #knownUntilMs = 0;

  constructor(netlink: NetlinkSocket, isVip: (address: IpAddress) => boolean) {
    this.#netlink = netlink;
    this.#isVip = isVip;
  }

  /**
   * Returns the address to send from where routing chose `source`.
   * @param ifIndex the preferred interface
   */
  insteadOf(source: IpAddress, ifIndex: number | undefined): IpAddress | undefined {
    return this.#isVip(source) ? this.any(isIpv4(source) ? 4 : 6, ifIndex) : source;
  }

  any(family: IpFamily, ifIndex: number | undefined): IpAddress | undefined {
    const usable = this.list().filter(
      ({ address }) => isIpv4(address) === (family === 4) && !this.#isVip(address),
    );
    return (usable.find((source) => source.ifIndex === ifIndex) ?? usable[0])?.address;
  }

  /** Lists the addresses, VIPs included. */
  list(): readonly OwnSource[] {
    const nowMs = performance.now();
    if (nowMs < this.#knownUntilMs) return this.#known;
    this.#known = listAddresses(this.#netlink).filter(
      ({ address, flags }) => (flags & UNUSABLE) === 0 && isGlobal(address),
    );
    this.#knownUntilMs = nowMs + FRESH_MS;
    return this.#known;
  }
}

function isGlobal(address: IpAddress): boolean {
  if (isIpv4(address)) return address >>> 24 !== IPV4_LOOPBACK;
  return address !== IPV6_LOOPBACK && !isIpv6LinkLocal(address);
}
