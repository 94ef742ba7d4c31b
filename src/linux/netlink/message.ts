// The messages of netlink.
import { align } from './attributes.ts';

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

export const MESSAGE_HEADER_BYTES = 16;

export function encodeMessage(message: {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}): Uint8Array {
  const length = MESSAGE_HEADER_BYTES + message.payload.length;
  const bytes = Buffer.alloc(align(length));
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(message.type, 4);
  bytes.writeUInt16LE(message.flags, 6);
  bytes.writeUInt32LE(message.sequence, 8);
  bytes.set(message.payload, MESSAGE_HEADER_BYTES);
  return bytes;
}

/** The messages of one datagram; what a broken length leaves over is ignored. The payloads share its memory. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const view = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length);
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + MESSAGE_HEADER_BYTES <= view.length) {
    const length = view.readUInt32LE(at);
    if (length < MESSAGE_HEADER_BYTES || at + length > view.length) break;
    messages.push({
      type: view.readUInt16LE(at + 4),
      flags: view.readUInt16LE(at + 6),
      sequence: view.readUInt32LE(at + 8),
      payload: view.subarray(at + MESSAGE_HEADER_BYTES, at + length),
    });
    at += align(length);
  }
  return messages;
}
