// Keeps VLAN tags in frames while the fast path is there.
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../../linux/errno.ts';
import { DeviceFeatures } from '../../../linux/netlink/devices/features.ts';
import type { Link } from '../../../linux/netlink/devices/link.ts';
import { unlinkIfThere } from '../pins/pin-files.ts';

const FEATURE = 'rx-vlan-hw-parse';

/**
 * Keeps adapters from taking VLAN tags out of frames before XDP sees them: an untagged packet would be treated as one of the
 * parent's. What was switched off is remembered beside the pins, by the interface's index, and switched on again when forwarding
 * ends.
 */
export class VlanOffloads {
  readonly #directory: string;
  readonly #warned = new Set<number>();

  constructor(instanceDirectory: string) {
    this.#directory = join(instanceDirectory, 'rxvlan');
  }

  /** Switches the offload off on parents of VLAN devices. Failures are reported once. */
  turnOff(links: readonly Link[], parents: ReadonlySet<number>, warn: (message: string) => void): void {
    const concerned = links.filter(({ index }) => parents.has(index) && !this.#warned.has(index));
    for (const { index, name } of concerned) {
      const fault = this.#turnOffOn(index);
      if (fault === undefined) continue;
      this.#warned.add(index);
      warn(
        `${name} may remove VLAN tags from frames before XDP sees them (${fault}); VIPs that are reached through its ` +
          `VLAN devices would not be found: see "ethtool -k ${name}", rx-vlan-offload`,
      );
    }
  }

  /** Switches on again what was on before. */
  restore(): void {
    for (const name of this.#remembered()) {
      switchFeature(Number(name), true);
      unlinkIfThere(join(this.#directory, name));
    }
  }

  /** Returns what failed; undefined when the offload is off. */
  #turnOffOn(ifIndex: number): string | undefined {
    try {
      using features = new DeviceFeatures();
      if (!features.isActive(ifIndex, FEATURE)) return undefined;
      this.#remember(ifIndex);
      features.set(ifIndex, FEATURE, false);
      return features.isActive(ifIndex, FEATURE) ? 'the driver does not switch it off' : undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #remember(ifIndex: number): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const path = join(this.#directory, String(ifIndex));
    unlinkIfThere(path);
    symlinkSync(String(ifIndex), path);
  }

  #remembered(): string[] {
    try {
      return readdirSync(this.#directory);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}

/** An interface that is gone has nothing left to be switched. */
function switchFeature(ifIndex: number, on: boolean): void {
  try {
    using features = new DeviceFeatures();
    features.set(ifIndex, FEATURE, on);
  } catch (error) {
    if (errnoOf(error) !== 'ENODEV' && errnoOf(error) !== 'ENOENT') throw error;
  }
}
