// The other end of a BFD session.
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import type { BfdParameters } from './session.ts';

/** The other end of a session, and how it is reached. */
export interface BfdNeighbor {
  readonly address: IpAddress;
  /** The source address; undefined if routing chooses it. */
  readonly source: IpAddress | undefined;
  /** RFC 5883, a port of its own; else RFC 5881. */
  readonly multihop: boolean;
  /** TTL or hop limit of what is sent, and of what the peer is taken to send. */
  readonly ttl: number;
  /** The number of hops that a packet may have lost on its way; 255: any number. */
  readonly maxHops: number;
  readonly parameters: BfdParameters;
}

/** Returns the key of a session. There is one session for each key, as a peer could not distinguish several. */
export function sessionKey({
  address,
  source,
  multihop,
}: Pick<BfdNeighbor, 'address' | 'source' | 'multihop'>): string {
  const from = source === undefined ? '' : ` from ${formatIp(source)}`;
  return `${formatIp(address)}${from}${multihop ? ' multihop' : ''}`;
}

/** A forger further away than the peer cannot have sent it (RFC 5082). */
export function isNearEnough({ ttl, maxHops }: BfdNeighbor, receivedTtl: number): boolean {
  return receivedTtl + maxHops >= ttl;
}
