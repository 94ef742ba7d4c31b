// A netlink socket: requests and their answers.
import { CulvertError } from '../../errors.ts';
import { checked, kernelError } from '../errno.ts';
import { libc } from '../libc.ts';
import { inNamespace } from '../namespaces/namespace-thread.ts';
import { type Descriptor, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { AF } from '../sockets/address-family.ts';
import { decodeAttributes, readText } from './attributes.ts';
import { NLM_F, NLMSG } from './constants.ts';
import { decodeMessages, encodeMessage, type NetlinkMessage } from './message.ts';

export interface NetlinkRequest {
  /** A description of the operation for the error: `add route to 10.0.0.0/8`. */
  readonly operation: string;
  readonly type: number;
  /** NLM_F_REQUEST and NLM_F_ACK are always set. */
  readonly flags?: number;
  readonly payload: Uint8Array;
}

const NETLINK_OPTION = { addMembership: 1, capAck: 10, extAck: 11, strictCheck: 12 } as const;
const SO_RCVBUFFORCE = 33;
const EXT_ACK_MESSAGE = 1;
const RECEIVE_BYTES = 64 * 1024;
const DUMP_ATTEMPTS = 5;

/** include/uapi/linux/netlink.h */
export const NETLINK = { route: 0, generic: 16 } as const;

/**
 * A netlink socket, rtnetlink unless another protocol is named, of one network namespace. Requests are answered within the call: the kernel handles them in the
 * sender's own context, so nothing is gained by waiting for the answer asynchronously.
 */
export class NetlinkSocket implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #buffer: Buffer = Buffer.alloc(RECEIVE_BYTES);
  #sequence = 0;

  /** @param namespace the named network namespace to work in; left out: the process's own. */
  constructor(namespace?: string, protocol: number = NETLINK.route) {
    const where = namespace === undefined ? {} : { namespace };
    this.#descriptor = openNetlink({ ...where, protocol, blocking: true });
    for (const option of [NETLINK_OPTION.capAck, NETLINK_OPTION.extAck, NETLINK_OPTION.strictCheck]) {
      this.#descriptor.setOption(SOL.netlink, option, 1);
    }
  }

  /** The kernel's answers, without the acknowledgement. @throws CulvertError KERNEL or PERMISSION with its text. */
  request(request: NetlinkRequest): NetlinkMessage[] {
    return this.#exchange(request, (request.flags ?? 0) | NLM_F.ack).messages;
  }

  /** Returns all objects of a kind, from one consistent state where the kernel can guarantee that. */
  dump(request: NetlinkRequest): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const { messages, interrupted } = this.#exchange(request, (request.flags ?? 0) | NLM_F.dump);
      if (!interrupted || attempt === DUMP_ATTEMPTS) return messages;
    }
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #exchange(request: NetlinkRequest, flags: number): { messages: NetlinkMessage[]; interrupted: boolean } {
    const sequence = ++this.#sequence;
    const { type, payload, operation } = request;
    this.#descriptor.send(encodeMessage({ type, flags: flags | NLM_F.request, sequence, payload }));
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== sequence) continue;
        interrupted ||= (message.flags & NLM_F.dumpInterrupted) !== 0;
        if (message.type === NLMSG.done || message.type === NLMSG.error) {
          throwOnFailure(operation, message);
          return { messages, interrupted };
        }
        messages.push(message);
      }
    }
  }

  #receive(): NetlinkMessage[] {
    const length = this.#descriptor.receive(this.#buffer);
    return length === undefined ? [] : decodeMessages(Buffer.from(this.#buffer.subarray(0, length)));
  }
}

/** Opens and binds a descriptor, of rtnetlink unless another protocol is named, that is subscribed to the groups. */
export function openNetlink(options: {
  readonly namespace?: string;
  readonly protocol?: number;
  readonly blocking?: boolean;
  readonly groups?: readonly number[];
  readonly receiveBytes?: number;
}): Descriptor {
  const open = (): Descriptor =>
    openSocket('netlink socket', {
      domain: AF.netlink,
      type: SOCK.raw,
      protocol: options.protocol ?? NETLINK.route,
      blocking: options.blocking ?? false,
    });
  const descriptor = options.namespace === undefined ? open() : inNamespace(options.namespace, open);
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF.netlink, 0);
  checked('bind netlink socket', libc.bind(descriptor.fd, address, address.length));
  if (options.receiveBytes !== undefined) {
    descriptor.setOption(SOL.socket, SO_RCVBUFFORCE, options.receiveBytes);
  }
  for (const group of options.groups ?? []) {
    descriptor.setOption(SOL.netlink, NETLINK_OPTION.addMembership, group);
  }
  return descriptor;
}

function throwOnFailure(operation: string, message: NetlinkMessage): void {
  if (message.payload.length < 4) throw new CulvertError('KERNEL', `${operation}: truncated netlink answer`);
  const errno = -message.payload.readInt32LE(0);
  if (errno === 0) return;
  // With NETLINK_CAP_ACK the attributes of an error follow the header of the request, without its payload.
  const attributesAt = message.type === NLMSG.error ? 4 + 16 : 4;
  const attributes =
    message.flags & NLM_F.ackTlvs ? decodeAttributes(message.payload, attributesAt) : undefined;
  throw kernelError(operation, errno, readText(attributes?.get(EXT_ACK_MESSAGE)));
}
