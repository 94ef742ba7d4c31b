// What is known of a real's flows under mh while a drain is under way, and what is forgotten when it is over.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Service } from '../../../../../src/forwarding/forwarding-table.ts';
import { selectReal } from '../../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../../src/forwarding/image/tables/memory.ts';
import { flowsOf, real, service, table, VIP } from '../tables.ts';
import { CAPACITY, SYN } from '../world.ts';

const ACK = 16;
const FIN_ACK = 17;
/** The longest of SHORT_TIMEOUTS. */
const WINDOW_TICKS = 200;
const DRAINED = real(1).address;

describe('a drain under mh', () => {
  let image: ForwardingImage;
  let tick: number;
  /** Ports of flows that began at the real that is drained. */
  let ports: number[];

  beforeEach(() => {
    image = new ForwardingImage(allocateImageMemory(CAPACITY));
    tick = 1000;
    apply();
    ports = [];
    for (let port = 1024; ports.length < 11; port++) if (send(port, SYN) === DRAINED) ports.push(port);
    for (const port of ports) send(port, ACK);
  });

  const apply = (changes: Partial<Service> = {}): void => {
    image.apply(table([service(changes)]), tick);
  };
  const drain = (): void => apply({ reals: [real(1, { weight: 0 }), real(2), real(3)] });
  const pass = (ticks: number): void => {
    for (const end = tick + ticks; tick < end; ) {
      tick = Math.min(end, tick + 10);
      image.setNow(tick);
      image.sweep(tick);
    }
  };
  const entry = (): NonNullable<ReturnType<ForwardingImage['findService']>> => {
    const found = image.findService(VIP, 80, 'tcp');
    if (found === undefined) throw new Error('the service is gone');
    return found;
  };
  const indexOf = (number: number): number => entry().reals.get(real(number).address) ?? 0;
  const ticksToKnow = (number = 1): number => image.flowKnowledge(entry())(indexOf(number));
  const active = (): number => image.flowCounts(indexOf(1)).active;
  function send(clientPort: number, tcpFlags: number): unknown {
    const chosen = selectReal(image, entry(), { client: 7, clientPort, tcpFlags }, tick);
    return image.real(chosen.real)?.address;
  }

  test('a stable real has flows that nobody knows, and nothing ends that', () => {
    expect([1, 2, 3].map(ticksToKnow)).toEqual([Infinity, Infinity, Infinity]);
    expect(active()).toBe(0);
  });

  test('its flows are known as they send, and all of them once the window is over', () => {
    drain();
    expect(ticksToKnow()).toBe(WINDOW_TICKS);
    for (const port of ports.slice(0, 3)) expect(send(port, ACK)).toBe(DRAINED);
    expect(active()).toBe(3);
    pass(150);
    expect(ticksToKnow()).toBe(WINDOW_TICKS - 150);
    for (const port of ports.slice(0, 4)) expect(send(port, ACK)).toBe(DRAINED);
    pass(60);
    // The others were silent for longer than any flow may be.
    expect(ticksToKnow()).toBe(0);
    expect(active()).toBe(4);
    // What the others got from it they may not know yet; their stable slots they never will.
    expect(ticksToKnow(2)).toBe(Infinity);
    for (const port of ports.slice(0, 4)) send(port, FIN_ACK);
    expect(image.flowCounts(indexOf(1))).toMatchObject({ active: 0, inactive: 4 });
    pass(90);
    expect(image.flowCounts(indexOf(1))).toMatchObject({ active: 0, inactive: 0 });
  });

  test('undrained, what was remembered is forgotten once its slots are stable: nobody says when it ends', () => {
    drain();
    for (const port of ports) send(port, ACK);
    expect(active()).toBe(11);
    apply();
    pass(40);
    expect(image.trackedSlots(entry())).toBe(0);
    expect(active()).toBe(0);
    expect(flowsOf(image, tick)).toEqual([]);
    expect(ticksToKnow()).toBe(Infinity);
    for (const port of ports) expect(send(port, ACK)).toBe(DRAINED);
  });

  test('a real that takes fewer slots, and one that is the only one', () => {
    apply({ reals: [real(1, { weight: 1 }), real(2, { weight: 3 }), real(3)] });
    expect(ticksToKnow()).toBe(Infinity);
    apply({ reals: [real(1, { weight: 0 }), real(2, { weight: 0 }), real(3, { weight: 0 })] });
    expect([1, 2, 3].map(ticksToKnow)).toEqual([WINDOW_TICKS, WINDOW_TICKS, WINDOW_TICKS]);
    pass(WINDOW_TICKS + 10);
    expect([1, 2, 3].map(ticksToKnow)).toEqual([0, 0, 0]);
  });

  test('over a restart the window begins again', () => {
    const memory = allocateImageMemory(CAPACITY);
    image = new ForwardingImage(memory);
    apply();
    drain();
    pass(100);
    image = new ForwardingImage(memory);
    drain();
    expect(ticksToKnow()).toBe(WINDOW_TICKS);
  });
});

test.each(['rr', 'wlc'] as const)('under %s every flow is remembered', (scheduler) => {
  const image = new ForwardingImage(allocateImageMemory(CAPACITY));
  image.apply(table([service({ scheduler })]), 1000);
  const entry = image.findService(VIP, 80, 'tcp');
  if (entry === undefined) throw new Error('the service is gone');
  for (const index of entry.reals.values()) expect(image.flowKnowledge(entry)(index)).toBe(0);
});
