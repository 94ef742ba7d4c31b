// Refuses interfaces that no VIP traffic can reach.
import { CulvertError } from '../../../errors.ts';
import type { Link } from '../../../linux/netlink/devices/link.ts';
import type { AttachTarget } from '../pins/pinned-links.ts';
import { bringsUnfinishedChecksums } from '../tap/unfinished-checksums.ts';

const MAC_BYTES = 6;

/** Returns the interface of that name, if clients can be behind it. @throws CulvertError INTERFACE */
export function requireInterface(links: readonly Link[], name: string): Link {
  const link = links.find((each) => each.name === name);
  const fault = faultOf(link);
  if (link === undefined || fault !== undefined)
    throw new CulvertError('INTERFACE', fault ?? '', { where: name });
  return link;
}

function faultOf(link: Link | undefined): string | undefined {
  if (link === undefined) return 'there is no such interface';
  if (link.mac.length !== MAC_BYTES || link.mac.every((byte) => byte === 0))
    return 'it is not an Ethernet interface';
  return link.up ? undefined : `it is down; fix: ip link set dev ${link.name} up`;
}

/** Returns what the fast path needs to know to attach to a link. */
export function attachTarget(link: Link, links: readonly Link[]): AttachTarget {
  const { name, index, vlan } = link;
  const parent = links.find((each) => each.index === vlan?.parentIndex)?.name;
  return { name, ifIndex: index, parent, unfinishedChecksums: bringsUnfinishedChecksums(link) };
}
