// The features of a device, by ethtool's netlink.
import { type Attribute, decodeAttributes, listAttributes, readText, text, u32 } from '../attributes.ts';
import { type GenericFamily, GenericNetlink } from '../generic.ts';

/** A network device's feature as the kernel names it (net/ethtool/common.c). */
export type DeviceFeature =
  /** Takes the VLAN tag out of a frame before XDP sees it; `ethtool -K DEV rxvlan` switches it. */
  'rx-vlan-hw-parse';

/** include/uapi/linux/ethtool_netlink.h */
const FAMILY: GenericFamily = { name: 'ethtool', version: 1 };
const MESSAGE = { featuresGet: 11, featuresSet: 12 } as const;
const FEATURES = { header: 1, wanted: 3, active: 4 } as const;
const HEADER_DEVICE_INDEX = 1;
const BITSET_BITS = 3;
const BITS_BIT = 1;
const BIT = { name: 2, value: 3 } as const;

/** Reads and switches features of devices in one network namespace. */
export class DeviceFeatures implements Disposable {
  readonly #netlink: GenericNetlink;

  /** @throws CulvertError KERNEL ENOENT on a kernel that does not speak of them by netlink. */
  constructor(namespace?: string) {
    this.#netlink = new GenericNetlink(FAMILY, namespace);
  }

  /** Returns true if the feature is on. @throws CulvertError KERNEL ENODEV */
  isActive(ifIndex: number, feature: DeviceFeature): boolean {
    const [answer] = this.#netlink.request({
      operation: `read the features of interface ${ifIndex}`,
      command: MESSAGE.featuresGet,
      attributes: [deviceOf(ifIndex)],
    });
    const active = decodeAttributes(answer?.get(FEATURES.active) ?? Buffer.alloc(0));
    const bits = listAttributes(active.get(BITSET_BITS) ?? Buffer.alloc(0));
    return bits.some(([, bit]) => readText(decodeAttributes(bit).get(BIT.name)) === feature);
  }

  /** Asks the driver for it, which may leave it as it is. @throws CulvertError KERNEL, PERMISSION */
  set(ifIndex: number, feature: DeviceFeature, on: boolean): void {
    const value: Attribute[] = on ? [[BIT.value, new Uint8Array(0)]] : [];
    const bit: Attribute = [BITS_BIT, [[BIT.name, text(feature)], ...value]];
    this.#netlink.request({
      operation: `switch ${feature} of interface ${ifIndex} ${on ? 'on' : 'off'}`,
      command: MESSAGE.featuresSet,
      attributes: [deviceOf(ifIndex), [FEATURES.wanted, [[BITSET_BITS, [bit]]]]],
    });
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]();
  }
}

function deviceOf(ifIndex: number): Attribute {
  return [FEATURES.header, [[HEADER_DEVICE_INDEX, u32(ifIndex)]]];
}
