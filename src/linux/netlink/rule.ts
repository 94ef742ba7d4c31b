// Policy rules, by netlink.
import type { IpFamily } from '../../net/address/ip-address.ts';
import { errnoOf } from '../errno.ts';
import { ipFamily, kernelFamily } from '../sockets/address-family.ts';
import { decodeAttributes, encodeAttributes, readNumber, u32 } from './attributes.ts';
import { NLM_F, RTM } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** A policy rule that sends packets with a mark to a routing table. */
export interface MarkRule {
  readonly family: IpFamily;
  readonly priority: number;
  readonly mark: number;
  readonly table: number;
}

const FRA = { priority: 6, mark: 10, table: 15, markMask: 16 } as const;
const FR_ACT_TO_TABLE = 1;
const HEADER_BYTES = 12;

/** The rules that look at the mark, of both families unless one is asked for. */
export function listMarkRules(socket: NetlinkSocket, family?: IpFamily): MarkRule[] {
  const payload = header(family, 0);
  const messages = socket.dump({ operation: 'list rules', type: RTM.getRule, payload });
  return messages.flatMap((message) => decodeRule(message) ?? []);
}

/** Adds the rule, if it is not there already. */
export function addMarkRule(socket: NetlinkSocket, rule: MarkRule): void {
  try {
    socket.request({
      operation: `add rule for mark ${rule.mark}`,
      type: RTM.newRule,
      flags: NLM_F.create | NLM_F.exclusive,
      payload: encode(rule),
    });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

export function deleteMarkRule(socket: NetlinkSocket, rule: MarkRule): void {
  socket.request({
    operation: `delete rule for mark ${rule.mark}`,
    type: RTM.deleteRule,
    payload: encode(rule),
  });
}

function decodeRule(message: NetlinkMessage): MarkRule | undefined {
  const attributes = decodeAttributes(message.payload, HEADER_BYTES);
  const family = ipFamily(message.payload[0]);
  const mark = readNumber(attributes.get(FRA.mark));
  if (family === undefined || mark === undefined) return undefined;
  const table = readNumber(attributes.get(FRA.table)) ?? message.payload.readUInt8(4);
  return { family, priority: readNumber(attributes.get(FRA.priority)) ?? 0, mark, table };
}

function encode(rule: MarkRule): Uint8Array {
  return Buffer.concat([
    header(rule.family, FR_ACT_TO_TABLE),
    encodeAttributes([
      [FRA.priority, u32(rule.priority)],
      [FRA.mark, u32(rule.mark)],
      [FRA.markMask, u32(0xffffffff)],
      [FRA.table, u32(rule.table)],
    ]),
  ]);
}

/** struct fib_rule_hdr */
function header(family: IpFamily | undefined, action: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt8(kernelFamily(family), 0);
  bytes.writeUInt8(action, 7);
  return bytes;
}
