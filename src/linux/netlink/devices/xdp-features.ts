// Reads by netlink which XDP features a driver has.
import { errnoOf } from '../../errno.ts';
import { u32 } from '../attributes.ts';
import { type GenericFamily, GenericNetlink } from '../generic.ts';

/** include/uapi/linux/netdev.h */
const FAMILY: GenericFamily = { name: 'netdev', version: 1 };
const NETDEV_CMD_DEV_GET = 1;
const DEVICE = { index: 1, xdpFeatures: 3 } as const;
/** NETDEV_XDP_ACT_NDO_XMIT */
const REDIRECT_TARGET = 4n;

/** Reads which XDP features drivers support, in the process's network namespace. */
export class XdpFeatures implements Disposable {
  /** The netlink family; undefined before Linux 6.3. */
  readonly #netlink: GenericNetlink | undefined;

  constructor() {
    this.#netlink = open();
  }

  /**
   * Returns true if frames can be redirected to a device at the moment; undefined where the kernel cannot say, or the device is
   * gone. A veth device takes them only while its other end has an XDP program or GRO.
   */
  isRedirectTarget(ifIndex: number): boolean | undefined {
    try {
      const [answer] =
        this.#netlink?.request({
          operation: `read the XDP features of interface ${ifIndex}`,
          command: NETDEV_CMD_DEV_GET,
          attributes: [[DEVICE.index, u32(ifIndex)]],
        }) ?? [];
      const features = answer?.get(DEVICE.xdpFeatures)?.readBigUInt64LE();
      return features === undefined ? undefined : (features & REDIRECT_TARGET) !== 0n;
    } catch (error) {
      if (errnoOf(error) === 'ENODEV') return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#netlink?.[Symbol.dispose]();
  }
}

function open(): GenericNetlink | undefined {
  try {
    return new GenericNetlink(FAMILY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
