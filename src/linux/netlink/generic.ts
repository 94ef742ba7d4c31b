// Generic netlink: families and their requests.
import { type Attribute, decodeAttributes, encodeAttributes, text } from './attributes.ts';
import type { NetlinkMessage } from './message.ts';
import { NETLINK, NetlinkSocket } from './socket.ts';

/** A part of the kernel that is spoken to by generic netlink. */
export interface GenericFamily {
  readonly name: string;
  readonly version: number;
}

export interface GenericRequest {
  /** A description of the operation for the error: `open FOU port 6080`. */
  readonly operation: string;
  readonly command: number;
  /** NLM_F */
  readonly flags?: number;
  readonly attributes?: readonly Attribute[];
}

/** An answer's attributes by type. */
export type GenericAnswer = ReadonlyMap<number, Buffer>;

const CONTROLLER = { id: 16, version: 2 } as const;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR = { familyId: 1, familyName: 2 } as const;
const HEADER_BYTES = 4;

/** Speaks to one family of generic netlink (include/uapi/linux/genetlink.h) in one network namespace. */
export class GenericNetlink implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #family: GenericFamily;
  readonly #type: number;

  /**
   * The kernel loads the module that has the family for an alias, as ip_vs does.
   * @param namespace the named network namespace to work in; left out: the process's own.
   * @throws CulvertError KERNEL ENOENT when the kernel has no such family.
   */
  constructor(family: GenericFamily, namespace?: string) {
    using opening = new DisposableStack();
    this.#socket = opening.use(new NetlinkSocket(namespace, NETLINK.generic));
    this.#family = family;
    this.#type = findFamily(this.#socket, family.name);
    opening.move();
  }

  /** @throws CulvertError KERNEL or PERMISSION with the kernel's text. */
  request(request: GenericRequest): GenericAnswer[] {
    return this.#socket.request(this.#message(request)).map(decode);
  }

  dump(request: GenericRequest): GenericAnswer[] {
    return this.#socket.dump(this.#message(request)).map(decode);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #message({ operation, command, flags = 0, attributes = [] }: GenericRequest) {
    const payload = encode(command, this.#family.version, attributes);
    return { operation, type: this.#type, flags, payload };
  }
}

function findFamily(socket: NetlinkSocket, name: string): number {
  const [answer] = socket.request({
    operation: `find generic netlink family ${name}`,
    type: CONTROLLER.id,
    payload: encode(CTRL_CMD_GETFAMILY, CONTROLLER.version, [[CTRL_ATTR.familyName, text(name)]]),
  });
  return (answer && decode(answer).get(CTRL_ATTR.familyId)?.readUInt16LE()) ?? 0;
}

/** struct genlmsghdr and what follows it */
function encode(command: number, version: number, attributes: readonly Attribute[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(command, version, 0, 0), encodeAttributes(attributes)]);
}

function decode(message: NetlinkMessage): GenericAnswer {
  return decodeAttributes(message.payload, HEADER_BYTES);
}
