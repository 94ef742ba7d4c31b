import { describe, expect, test } from 'vitest';
import type { Service } from '../../../../../src/forwarding/forwarding-table.ts';
import { clientWord } from '../../../../../src/forwarding/hashing/client-word.ts';
import { carryChanges, carryOver } from '../../../../../src/forwarding/image/change/carry-over.ts';
import { selectReal } from '../../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../../src/forwarding/image/forwarding-image.ts';
import { FLOW_STATE } from '../../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory, type ImageMemory } from '../../../../../src/forwarding/image/tables/memory.ts';
import { ip, isIpv6 } from '../../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../../src/net/address/ipv4-address.ts';
import { real, service, table, VIP } from '../tables.ts';

const VIP6 = ip('2001:db8::10');
const [SYN, ACK] = [2, 16];
const REALS = [real(1), real(2), real(3)];
const SERVICES: readonly Service[] = [
  service({ port: 80, scheduler: 'rr' }),
  service({ port: 8080, morePorts: [8081, 8082], scheduler: 'wlc' }),
  service({ vip: ip('192.0.2.11'), port: 0, scheduler: 'lc' }),
  service({ vip: VIP6, port: 80, scheduler: 'wrr', reals: REALS }),
  service({ port: 90, scheduler: 'wlc', persistence: { timeoutMs: 60_000, prefixLength: 24 } }),
  service({ port: 91, scheduler: 'mh' }),
];

interface Client {
  readonly at: Service;
  readonly servicePort: number;
  readonly client: ReturnType<typeof ip>;
  readonly clientPort: number;
}

function clients(count: number): Client[] {
  return SERVICES.flatMap((at) =>
    Array.from({ length: count }, (_, number) => ({
      at,
      servicePort:
        at.port === 0 ? 1000 + 37 * number : ([at.port, ...(at.morePorts ?? [])][number % 3] ?? at.port),
      client:
        at.vip === VIP6 ? ip(`2001:db8:c::${(number + 1).toString(16)}`) : ipv4(`198.51.${number % 200}.7`),
      clientPort: 2000 + number,
    })),
  );
}

/** The real that a packet of a client goes to. */
function send(
  image: ForwardingImage,
  { at, servicePort, client, clientPort }: Client,
  tcpFlags: number,
): unknown {
  const entry = image.findService(at.vip, servicePort, 'tcp');
  if (entry === undefined) throw new Error('no such service');
  const clientAddress = isIpv6(client) ? client : undefined;
  const word = clientWord(client, image.hashKey);
  const packet = { client: word, clientAddress, clientPort, servicePort, tcpFlags };
  return selectReal(image, entry, packet, image.now()).real;
}

function open(slots: number, flows: number): { memory: ImageMemory; image: ForwardingImage } {
  const memory = allocateImageMemory({ slots, flows });
  return { memory, image: new ForwardingImage(memory) };
}

function established(image: ForwardingImage, all: readonly Client[]): unknown[] {
  for (const client of all) send(image, client, SYN);
  return all.map((client) => send(image, client, ACK));
}

function flowCount(image: ForwardingImage): number {
  let count = 0;
  for (let from: number | undefined = 0; from !== undefined; )
    from = image.scanFlows({ from, nowTick: image.now() }, () => count++);
  return count;
}

describe('an image of another capacity', () => {
  test.each([
    ['more flows', 1 << 16, 1 << 14],
    ['fewer flows', 1 << 16, 1 << 11],
    ['more slots', 1 << 18, 1 << 12],
    ['fewer slots', 1 << 15, 1 << 12],
  ])('with %s has every flow on its real, templates and IPv6 clients too', (_, slots, flows) => {
    const former = open(1 << 16, 1 << 12);
    former.image.apply(table(SERVICES), 100);
    former.image.setNow(100);
    const all = clients(40);
    const before = established(former.image, all);
    const fresh = allocateImageMemory({ slots, flows });
    expect(carryOver(former.memory, fresh)).toBe(true);
    const image = new ForwardingImage(fresh);
    image.setNow(103);
    image.apply(table(SERVICES), 103);
    expect(all.map((client) => send(image, client, ACK))).toEqual(before);
    // In a small table a flow to a service of all ports may be remembered under several.
    for (const { index, service: of } of image.reals())
      if (of.port !== 0) expect(image.flowCounts(index)).toEqual(former.image.flowCounts(index));
    image.sweep(104);
    expect(all.map((client) => send(image, client, ACK))).toEqual(before);
  });

  test('has what began and changed while the former one went on', () => {
    const former = open(1 << 16, 1 << 12);
    former.image.apply(table(SERVICES), 100);
    former.image.setNow(100);
    const all = clients(30);
    established(
      former.image,
      all.filter((_, number) => number % 2 === 0),
    );
    const fresh = allocateImageMemory({ slots: 1 << 16, flows: 1 << 13 });
    carryOver(former.memory, fresh);
    const image = new ForwardingImage(fresh);
    image.setNow(105);
    image.apply(table(SERVICES), 105);
    const before = established(former.image, all);
    carryChanges(former.memory, fresh);
    expect(all.map((client) => send(image, client, ACK))).toEqual(before);
    expect(flowCount(image)).toBeGreaterThanOrEqual(flowCount(former.image));
  });

  test('keeps what is of the greatest worth where there is not room for all', () => {
    const former = open(1 << 16, 1 << 12);
    former.image.apply(table([service({ scheduler: 'rr' })]), 100);
    former.image.setNow(100);
    const at = service({ scheduler: 'rr' });
    const all = Array.from({ length: 400 }, (_, number) => ({
      at,
      servicePort: 80,
      client: ipv4(`198.51.${number % 200}.8`),
      clientPort: 3000 + number,
    }));
    established(former.image, all.slice(0, 40));
    for (const client of all) send(former.image, client, SYN);
    const fresh = allocateImageMemory({ slots: 1 << 16, flows: 1 << 7 });
    carryOver(former.memory, fresh);
    const image = new ForwardingImage(fresh);
    let living = 0;
    image.scanFlows({ from: 0, nowTick: 100 }, ({ state }) => {
      if (state === FLOW_STATE.established) living++;
    });
    expect(living).toBeGreaterThanOrEqual(38);
  });

  test('without room for the rings stays empty', () => {
    const former = open(1 << 16, 1 << 10);
    former.image.apply(table(SERVICES), 100);
    const fresh = allocateImageMemory({ slots: 1 << 12, flows: 1 << 10 });
    expect(carryOver(former.memory, fresh)).toBe(false);
    expect([...new ForwardingImage(fresh).services()]).toEqual([]);
    expect(new ForwardingImage(fresh).isVip(VIP)).toBe(false);
  });
});
