// The kernel's UDP ports for GUE and FOU, by netlink.
import type { IpFamily } from '../../../net/address/ip-address.ts';
import { ipFamily, kernelFamily } from '../../sockets/address-family.ts';
import { type Attribute, be16, u8 } from '../attributes.ts';
import { type GenericAnswer, type GenericFamily, GenericNetlink } from '../generic.ts';

/** A UDP port whose payloads the kernel takes for packets: by a GUE header, or of one IP protocol (FOU). */
export type FouPort = {
  /** The family of the outer packet. */
  readonly family: IpFamily;
  readonly port: number;
} & ({ readonly type: 'gue' } | { readonly type: 'fou'; readonly protocol: number });

/** include/uapi/linux/fou.h */
const FAMILY: GenericFamily = { name: 'fou', version: 1 };
const COMMAND = { add: 1, delete: 2, get: 3 } as const;
const ATTRIBUTE = { port: 1, family: 2, protocol: 3, type: 4 } as const;
const TYPE = { direct: 1, gue: 2 } as const;

/** The kernel's FOU and GUE receivers in one network namespace. */
export class FouPorts implements Disposable {
  readonly #netlink: GenericNetlink;

  /** @throws CulvertError KERNEL ENOENT when the kernel has no FOU, or nobody has loaded its module `fou` (`fou6`). */
  constructor(namespace?: string) {
    this.#netlink = new GenericNetlink(FAMILY, namespace);
  }

  list(): FouPort[] {
    const answers = this.#netlink.dump({ operation: 'list FOU ports', command: COMMAND.get });
    return answers.flatMap((answer) => decode(answer) ?? []);
  }

  /** @throws CulvertError KERNEL: EADDRINUSE or EALREADY when the port is taken, EAFNOSUPPORT for a missing family. */
  add(port: FouPort): void {
    const payload: Attribute[] =
      port.type === 'gue'
        ? [[ATTRIBUTE.type, u8(TYPE.gue)]]
        : [
            [ATTRIBUTE.type, u8(TYPE.direct)],
            [ATTRIBUTE.protocol, u8(port.protocol)],
          ];
    this.#netlink.request({
      operation: `open ${port.type} port ${port.port}`,
      command: COMMAND.add,
      attributes: [...socketOf(port), ...payload],
    });
  }

  /** @throws CulvertError KERNEL EINVAL when there is none. */
  delete(port: Pick<FouPort, 'family' | 'port'>): void {
    const operation = `close FOU port ${port.port}`;
    this.#netlink.request({ operation, command: COMMAND.delete, attributes: socketOf(port) });
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]();
  }
}

function socketOf(port: Pick<FouPort, 'family' | 'port'>): Attribute[] {
  return [
    [ATTRIBUTE.port, be16(port.port)],
    [ATTRIBUTE.family, u8(kernelFamily(port.family))],
  ];
}

function decode(answer: GenericAnswer): FouPort | undefined {
  const family = ipFamily(answer.get(ATTRIBUTE.family)?.[0]);
  const port = answer.get(ATTRIBUTE.port)?.readUInt16BE();
  if (family === undefined || port === undefined) return undefined;
  if (answer.get(ATTRIBUTE.type)?.[0] === TYPE.gue) return { family, port, type: 'gue' };
  return { family, port, type: 'fou', protocol: answer.get(ATTRIBUTE.protocol)?.[0] ?? 0 };
}
