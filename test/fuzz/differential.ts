import { isDeepStrictEqual } from 'node:util';
import { decideFrame, type FrameDecision } from '../../src/forwarding/answers/frame.ts';
import type { ForwardingTable } from '../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../src/forwarding/image/forwarding-image.ts';
import { REAL, TICK_MS } from '../../src/forwarding/image/tables/layout.ts';
import {
  allocateImageMemory,
  type ImageCapacity,
  type ImageMemory,
} from '../../src/forwarding/image/tables/memory.ts';
import { createForwarderState, type ForwarderState } from '../../src/forwarding/state.ts';
import { describeDifference } from '../../src/net/describe/describe-difference.ts';
import { describeFrame, describePacket } from '../../src/net/describe/describe-packet.ts';
import { ReusedBuffer } from '../reused-buffer.ts';
import { isOfLostReal } from './flow-of-lost-real.ts';
import { isForVip } from './for-vip.ts';
import { frameOf, isSctp, type Link } from './frame.ts';
import { type FastResult, INGRESS_IF_INDEX, type LoadedDirector } from './loaded-director.ts';
import { Random } from './random.ts';
import { DIRECTOR_MAC, randomFrame } from './random-frame.ts';
import { changedTable, randomHostAddresses, randomPaths, randomTable } from './random-table.ts';

/**
 * The fast path and the forwarder, against the forwarder alone. Both get the same tables, changes and packets. What the
 * fast path sends must be what the forwarder would have sent, byte for byte; what it hands over is decided by a forwarder
 * over the fast path's own image, as in service, and must come out the same; and both images must stay the same.
 */

/** Few flows, so that sets fill up and flows push each other out. */
export const SMALL_CAPACITY: ImageCapacity = { slots: 1 << 16, flows: 1 << 6 };

const PACKETS_IN_SCENARIO = 1000;
const PACKETS_BETWEEN_COMPARISONS = 100;
const MEMORY_PARTS = [
  'settings',
  'noClients',
  'slots',
  'flows',
  'flowClients',
  'flowCounts',
  'cursors',
] as const;

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
  /** What each forwarder reads its frames from. */
  readonly #readers = { reference: new ReusedBuffer(), slow: new ReusedBuffer() };
  #table: ForwardingTable;
  #nowMs: number;
  /** What schedulers draw: for both forwarders the same, packet by packet. */
  #lots = new Random(0);

  constructor(director: LoadedDirector, referenceMemory: ImageMemory, seed: number) {
    director.clear();
    for (const buffer of Object.values(referenceMemory)) new Uint8Array(buffer).fill(0);
    this.#random = new Random(seed);
    this.#director = director;
    this.#referenceMemory = referenceMemory;
    const random = (): number => this.#lots.word() / 2 ** 32;
    this.#reference = stateOver(new ForwardingImage(referenceMemory, { random }));
    const realAdded = (index: number): void => director.zeroCounters(index);
    this.#slow = stateOver(new ForwardingImage(director.memory, { random, realAdded }));
    this.#nowMs = this.#random.below(2 ** 31) * TICK_MS;
    this.#table = randomTable(this.#random);
    this.#setHostAddresses();
    this.#apply();
  }

  run(summary: DifferentialSummary): void {
    for (let packet = 1; packet <= PACKETS_IN_SCENARIO; packet++) {
      if (this.#random.chance(0.03)) this.#change();
      this.#send(randomFrame(this.#random, this.#table), summary);
      if (packet % PACKETS_BETWEEN_COMPARISONS === 0) this.#compareMemory();
    }
    this.#compareCounters();
    summary.packets += PACKETS_IN_SCENARIO;
  }

  #images(): ForwardingImage[] {
    return [this.#reference.image, this.#slow.image];
  }

  #setHostAddresses(): void {
    const addresses = randomHostAddresses(this.#random);
    for (const image of this.#images()) image.setHostAddresses(addresses);
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
    } else if (this.#random.chance(0.2)) {
      this.#setHostAddresses();
    } else if (this.#random.chance(0.5)) {
      this.#table = changedTable(this.#random, this.#table);
      if (this.#random.chance(0.1)) this.#flush();
      this.#apply();
    }
  }

  /** All services go, before they come back: their flows have to find their reals again. */
  #flush(): void {
    for (const image of this.#images()) image.apply({ ...this.#table, services: [] }, this.#nowMs / TICK_MS);
  }

  #send(frame: Uint8Array, summary: DifferentialSummary): void {
    const fast = this.#director.run(frame);
    const forVip = isForVip(frame, this.#reference.image);
    if (!forVip) {
      if (fast.verdict !== 'passed') this.#fail(frame, `for no VIP, but it was ${fast.verdict}`);
      summary.passed++;
      return;
    }
    const isLeft = isSctp(frame) || isOfLostReal(frame, this.#reference);
    const expected = this.#decide(frame, 'reference');
    if (fast.verdict === 'passed') {
      this.#comparePassed(frame, fast, expected);
      summary.passed++;
      return;
    }
    if (fast.verdict === 'sent') {
      this.#compareSent(frame, fast, expected);
      summary.sent++;
    } else {
      this.#compareHandedOver(frame, expected, isLeft);
      summary.handedOver++;
    }
  }

  #decide(frame: Uint8Array, who: 'reference' | 'slow'): FrameDecision[] {
    this.#lots = new Random(frame.length);
    const state = who === 'reference' ? this.#reference : this.#slow;
    return decideFrame(this.#readers[who].read(frame), state, this.#nowMs);
  }

  /** For a real that is the director itself: up the stack, as it came. */
  #comparePassed(frame: Uint8Array, fast: FastResult, decisions: readonly FrameDecision[]): void {
    const [expected] = decisions;
    const isCommon =
      decisions.length === 1 && expected?.verdict === 'forward' && expected.reason === undefined;
    if (!isCommon || this.#reference.image.real(expected.real)?.local !== true) {
      this.#fail(frame, `passed; the forwarder decides:\n${describeDecisions(decisions)}`);
    }
    if (Buffer.compare(fast.frame, frame) !== 0) this.#fail(frame, 'passed, but not as it came');
  }

  #compareSent(frame: Uint8Array, fast: FastResult, decisions: readonly FrameDecision[]): void {
    const [expected] = decisions;
    if (decisions.length !== 1 || expected?.verdict !== 'forward' || expected.packets.length !== 1) {
      const actual = describeFrame(fast.frame);
      this.#fail(frame, `sent:\n${actual}\nthe forwarder decides:\n${describeDecisions(decisions)}`);
    }
    const wanted = frameOf(this.#linkTo(expected.real), expected.packets[0] as Uint8Array);
    const difference = describeDifference(wanted, fast.frame, describeFrame);
    if (difference !== undefined) this.#fail(frame, `what was sent differs:\n${difference}`);
    const reflected = this.#reference.image.real(expected.real)?.ifIndex === INGRESS_IF_INDEX;
    if (reflected !== fast.reflected) this.#fail(frame, 'sent out of the wrong interface');
  }

  /** The way out to a real, as the image has it. */
  #linkTo(real: number): Link {
    const entry = new Uint8Array(this.#referenceMemory.reals, real * REAL.size, REAL.size);
    return {
      destination: entry.subarray(REAL.nextHopMac, REAL.nextHopMac + 6),
      source: entry.subarray(REAL.sourceMac, REAL.sourceMac + 6),
      tag: this.#reference.image.real(real)?.vlan,
    };
  }

  /** `isLeft`: to the slow path, even where the outcome is a common one. */
  #compareHandedOver(frame: Uint8Array, expected: readonly FrameDecision[], isLeft: boolean): void {
    const isCommon = expected.every(({ verdict, reason }) => verdict === 'forward' && reason === undefined);
    if (isCommon && !isLeft) {
      this.#fail(frame, `handed over, though it is a common case:\n${describeDecisions(expected)}`);
    }
    const actual = this.#decide(frame, 'slow');
    if (isDeepStrictEqual(actual, expected)) return;
    this.#fail(
      frame,
      `handed over, and then:\n${describeDecisions(actual)}\nbut the forwarder alone decides:\n${describeDecisions(expected)}`,
    );
  }

  #compareMemory(): void {
    for (const part of MEMORY_PARTS) {
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

  #fail(frame: Uint8Array | undefined, what: string): never {
    const seed = this.#random.seed;
    const subject = frame
      ? `frame ${Buffer.from(frame).toString('hex')}\n${describeFrame(frame)}\n`
      : 'after a frame, ';
    throw new Error(
      `${subject}${what}\n` +
        `table ${JSON.stringify(this.#table, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value))}\n` +
        `to reproduce: node test/fuzz/main.ts --seed ${seed} --packets ${PACKETS_IN_SCENARIO}`,
    );
  }
}

function stateOver(image: ForwardingImage): ForwarderState {
  return createForwarderState({ image, linkMtuBytes: 1500, interfaceMac: DIRECTOR_MAC });
}

function describeDecisions(decisions: readonly FrameDecision[]): string {
  return decisions.map(describeDecision).join('\n');
}

function describeDecision(decision: FrameDecision): string {
  const { verdict, ...rest } = decision;
  const said = JSON.stringify({ ...rest, packets: undefined, packet: undefined, frame: undefined });
  return [`${verdict} ${said}`, ...describeBytes(decision)].join('\n');
}

function describeBytes(decision: FrameDecision): string[] {
  if (decision.verdict === 'forward') return decision.packets.map((packet) => describePacket(packet));
  if (decision.verdict === 'answer') return [describePacket(decision.packet)];
  return decision.verdict === 'reply' ? [describeFrame(decision.frame)] : [];
}
