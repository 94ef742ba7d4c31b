import { isDeepStrictEqual } from 'node:util';
import type { Decision } from '../../src/forwarding/decision.ts';
import { decide } from '../../src/forwarding/forwarder.ts';
import { ForwardingImage } from '../../src/forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../src/forwarding/image/layout.ts';
import {
  allocateImageMemory,
  type ImageCapacity,
  type ImageMemory,
} from '../../src/forwarding/image/memory.ts';
import { createForwarderState, type ForwarderState } from '../../src/forwarding/state.ts';
import type { ForwardingTable } from '../../src/forwarding/table.ts';
import { readU32 } from '../../src/net/bytes.ts';
import { describeFrame, describePacket } from '../../src/net/describe.ts';
import { describeDifference } from '../../src/net/describe-difference.ts';
import { buildEthernet, ETHERTYPE } from '../../src/net/ethernet.ts';
import { IPV4_AT, IPV4_HEADER_BYTES } from '../../src/net/ipv4.ts';
import type { Ipv4Address } from '../../src/net/ipv4-address.ts';
import { type FastResult, INGRESS_IF_INDEX, type LoadedDirector } from './loaded-director.ts';
import { Random } from './random.ts';
import { randomPacket } from './random-packet.ts';
import { changedTable, randomPaths, randomTable } from './random-table.ts';

/**
 * The fast path and the forwarder, against the forwarder alone. Both get the same tables, changes and packets. What the
 * fast path sends must be what the forwarder would have sent, byte for byte; what it hands over is decided by a forwarder
 * over the fast path's own image, as in service, and must come out the same; and both images must stay the same.
 */

/** Few flows, so that sets fill up and flows push each other out. */
export const SMALL_CAPACITY: ImageCapacity = { slots: 1 << 16, flows: 1 << 6 };

const PACKETS_IN_SCENARIO = 1000;
const PACKETS_BETWEEN_COMPARISONS = 100;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);

export interface DifferentialSummary {
  packets: number;
  scenarios: number;
  sent: number;
  handedOver: number;
  passed: number;
}

/** @param packets at least so many, in scenarios of 1000, whose seeds are `seed`, `seed` + 1, and so on */
export function runDifferential(
  director: LoadedDirector,
  seed: number,
  packets: number,
): DifferentialSummary {
  const summary = { packets: 0, scenarios: 0, sent: 0, handedOver: 0, passed: 0 };
  const reference = allocateImageMemory(SMALL_CAPACITY);
  while (summary.packets < packets) {
    new Scenario(director, reference, seed + summary.scenarios).run(summary);
    summary.scenarios++;
  }
  return summary;
}

class Scenario {
  readonly #random: Random;
  readonly #director: LoadedDirector;
  readonly #reference: ForwarderState;
  readonly #referenceMemory: ImageMemory;
  /** The slow path beside the fast path. */
  readonly #slow: ForwarderState;
  #table: ForwardingTable;
  #nowMs: number;

  constructor(director: LoadedDirector, referenceMemory: ImageMemory, seed: number) {
    director.clear();
    for (const buffer of Object.values(referenceMemory)) new Uint8Array(buffer).fill(0);
    this.#random = new Random(seed);
    this.#director = director;
    this.#referenceMemory = referenceMemory;
    this.#reference = stateOver(new ForwardingImage(referenceMemory));
    const realAdded = (index: number): void => director.zeroCounters(index);
    this.#slow = stateOver(new ForwardingImage(director.memory, { realAdded }));
    this.#nowMs = this.#random.below(2 ** 31) * TICK_MS;
    this.#table = randomTable(this.#random);
    this.#apply();
  }

  run(summary: DifferentialSummary): void {
    for (let packet = 1; packet <= PACKETS_IN_SCENARIO; packet++) {
      if (this.#random.chance(0.03)) this.#change();
      this.#send(randomPacket(this.#random, this.#table), summary);
      if (packet % PACKETS_BETWEEN_COMPARISONS === 0) this.#compareMemory();
    }
    this.#compareCounters();
    summary.packets += PACKETS_IN_SCENARIO;
  }

  #images(): ForwardingImage[] {
    return [this.#reference.image, this.#slow.image];
  }

  #apply(): void {
    const tick = this.#nowMs / TICK_MS;
    for (const image of this.#images()) {
      image.setNow(tick);
      image.apply(this.#table, tick);
    }
    randomPaths(this.#random, this.#images());
  }

  /** Time goes by; now and then the table changes, or flows are swept. */
  #change(): void {
    this.#nowMs += this.#random.pick([1, 1, 10, 100, 700, 9500]) * TICK_MS;
    const tick = this.#nowMs / TICK_MS;
    for (const image of this.#images()) image.setNow(tick);
    if (this.#random.chance(0.3)) {
      for (const image of this.#images()) image.sweep(tick);
    } else if (this.#random.chance(0.5)) {
      this.#table = changedTable(this.#random, this.#table);
      this.#apply();
    }
  }

  #send(packet: Uint8Array, summary: DifferentialSummary): void {
    const frame = buildEthernet({ destination: MAC, source: MAC, etherType: ETHERTYPE.ipv4 }, packet);
    const fast = this.#director.run(frame);
    const toVip = this.#isToVip(packet);
    if (toVip === (fast.verdict === 'passed')) {
      this.#fail(packet, `to ${toVip ? 'a' : 'no'} VIP, but it was ${fast.verdict}`);
    }
    if (fast.verdict === 'passed') {
      summary.passed++;
      return;
    }
    const expected = decide(packet, this.#reference, this.#nowMs);
    if (fast.verdict === 'sent') {
      this.#compareSent(packet, fast, expected);
      summary.sent++;
    } else {
      this.#compareHandedOver(packet, expected);
      summary.handedOver++;
    }
  }

  #isToVip(packet: Uint8Array): boolean {
    if (packet.length < IPV4_HEADER_BYTES) return false;
    return this.#reference.image.isVip(readU32(packet, IPV4_AT.destination) as Ipv4Address);
  }

  #compareSent(packet: Uint8Array, fast: FastResult, expected: Decision): void {
    if (expected.verdict !== 'forward' || expected.packets.length !== 1) {
      const actual = describeFrame(fast.frame);
      this.#fail(packet, `sent:\n${actual}\nthe forwarder decides:\n${describeDecision(expected)}`);
    }
    const path = this.#pathOf(expected.real);
    const destination = path.subarray(0, 6);
    const source = path.subarray(8, 14);
    const wanted = buildEthernet(
      { destination, source, etherType: ETHERTYPE.ipv4 },
      expected.packets[0] as Uint8Array,
    );
    const difference = describeDifference(wanted, fast.frame, describeFrame);
    if (difference !== undefined) this.#fail(packet, `what was sent differs:\n${difference}`);
    const reflected = this.#reference.image.real(expected.real)?.ifIndex === INGRESS_IF_INDEX;
    if (reflected !== fast.reflected) this.#fail(packet, 'sent out of the wrong interface');
  }

  /** The MAC addresses of a real, as the image has them. */
  #pathOf(real: number): Uint8Array {
    return new Uint8Array(this.#referenceMemory.reals, real * 64, 64);
  }

  #compareHandedOver(packet: Uint8Array, expected: Decision): void {
    if (expected.verdict === 'forward' && expected.reason === undefined) {
      this.#fail(packet, `handed over, though it is a common case:\n${describeDecision(expected)}`);
    }
    const actual = decide(packet, this.#slow, this.#nowMs);
    if (isDeepStrictEqual(actual, expected)) return;
    this.#fail(
      packet,
      `handed over, and then:\n${describeDecision(actual)}\nbut the forwarder alone decides:\n${describeDecision(expected)}`,
    );
  }

  #compareMemory(): void {
    for (const part of ['settings', 'slots', 'flows', 'flowCounts', 'cursors'] as const) {
      const expected = Buffer.from(this.#referenceMemory[part]);
      const actual = Buffer.from(this.#director.memory[part]);
      if (expected.equals(actual)) continue;
      const at = expected.findIndex((byte, i) => byte !== actual[i]) & ~15;
      const both = [expected, actual].map((bytes) => bytes.toString('hex', at, at + 16));
      this.#fail(undefined, `${part} differ at byte ${at}: expected ${both[0]}, found ${both[1]}`);
    }
  }

  #compareCounters(): void {
    const [reference, slow] = this.#images() as [ForwardingImage, ForwardingImage];
    const reals = [...reference.reals()].map(({ index }) => index);
    const fast = this.#director.counters(Math.max(0, ...reals) + 1);
    for (const real of reals) {
      const [packets, bytes, connections] = fast.subarray(3 * real, 3 * real + 3);
      const slower = slow.slowCounters(real);
      const actual = {
        packets: Number(packets) + slower.packets,
        bytes: Number(bytes) + slower.bytes,
        connections: Number(connections) + slower.connections,
      };
      const expected = reference.slowCounters(real);
      if (isDeepStrictEqual(actual, expected)) continue;
      this.#fail(undefined, `real ${real} counts ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
    }
  }

  #fail(packet: Uint8Array | undefined, what: string): never {
    const seed = this.#random.seed;
    const subject = packet
      ? `packet ${Buffer.from(packet).toString('hex')}\n${describePacket(packet)}\n`
      : 'after a packet, ';
    throw new Error(
      `${subject}${what}\n` +
        `table ${JSON.stringify(this.#table)}\n` +
        `to reproduce: node test/fuzz/main.ts --seed ${seed} --packets ${PACKETS_IN_SCENARIO}`,
    );
  }
}

function stateOver(image: ForwardingImage): ForwarderState {
  return createForwarderState({ image, linkMtuBytes: 1500, interfaceMac: MAC });
}

function describeDecision(decision: Decision): string {
  const bytes =
    decision.verdict === 'forward'
      ? decision.packets
      : decision.verdict === 'answer'
        ? [decision.packet]
        : [];
  const { verdict, ...rest } = decision;
  const said = JSON.stringify({ ...rest, packets: undefined, packet: undefined });
  return [`${verdict} ${said}`, ...bytes.map(describePacket)].join('\n');
}
