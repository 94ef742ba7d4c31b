// Opens TUN and TAP devices.
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';
import { Descriptor } from '../process/descriptor.ts';

const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const O_RDWR_NONBLOCK_CLOEXEC = 0o2 | 0o4000 | 0o2000000;
/** struct ifreq: the name, then the flags (linux/if.h). */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS = 16;
const NAME_BYTES = 16;

/** Flags of TUNSETIFF (linux/if_tun.h). */
export const IFF = { tun: 0x0001, tap: 0x0002, noPacketInfo: 0x1000, vnetHeader: 0x4000 } as const;

export interface TunDeviceOptions {
  readonly kind: 'TUN' | 'TAP';
  readonly flags: number;
  /** True if the device outlives the process, until its link is deleted. */
  readonly persistent: boolean;
}

/**
 * Creates a TUN or TAP device, or takes over the one that is there.
 * @throws CulvertError KERNEL EBUSY when it is held.
 */
export function openTunDevice(name: string, { kind, flags, persistent }: TunDeviceOptions): Descriptor {
  const fd = withSpareDescriptors(() =>
    checked('open /dev/net/tun', libc.open('/dev/net/tun', O_RDWR_NONBLOCK_CLOEXEC, 0)),
  );
  const descriptor = new Descriptor(fd, `${kind} ${name}`);
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(name, 0, NAME_BYTES - 1);
    request.writeUInt16LE(flags, IFREQ_FLAGS);
    checked(`create ${kind} ${name}`, libc.ioctl(fd, TUNSETIFF, request));
    const how = persistent ? 'persistent' : 'go with the process';
    checked(`make ${kind} ${name} ${how}`, libc.ioctlValue(fd, TUNSETPERSIST, persistent ? 1 : 0));
  } catch (error) {
    descriptor.close();
    throw error;
  }
  return descriptor;
}
