// Recognises devices that bring packets with unfinished checksums.
import { readDriverStatistics } from '../../../linux/devices/driver-statistics.ts';
import type { Link } from '../../../linux/netlink/devices/link.ts';

/** Devices whose packets come from another stack of the same machine, which may leave checksums to hardware that is not there. */
const KINDS: ReadonlySet<string> = new Set(['veth', 'tun', 'netkit']);
/** The same by driver, for devices that look like hardware: those of virtual machines. */
const DRIVERS: ReadonlySet<string> = new Set(['virtio_net', 'vif']);

/** Returns true if packets may arrive on an interface with unfinished checksums; XDP sees only the bytes. */
export function bringsUnfinishedChecksums({ name, kind }: Pick<Link, 'name' | 'kind'>): boolean {
  if (kind !== undefined) return KINDS.has(kind);
  return DRIVERS.has(readDriverStatistics(name)?.driver ?? '');
}
