// What becomes of new flows of services that the slow path schedules, while nobody keeps the image's clock.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service } from '../../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../../src/forwarding/image/tables/layout.ts';
import { bootTimeMs } from '../../../src/linux/clock.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import {
  DIRECTOR,
  DIRECTOR_MAC,
  IF_INDEX,
  MTU,
  NEXT_HOP_MAC,
  STANDARD_TABLE,
} from '../../unit/forwarding/forwarder/fixture.ts';
import { ACK, tcp } from '../../unit/forwarding/forwarder/packets.ts';

const PORT = 80;
const FLOWS = 300;
const PATIENCE_TICKS = 5;
const SERVICE: Service = { ...(STANDARD_TABLE.services[0] as Service), scheduler: 'wlc' };
const missing = whyNotLoadable();

describe.skipIf(missing !== undefined)(`the fast path alone (${missing ?? 'loadable'})`, () => {
  let director: LoadedDirector;
  let image: ForwardingImage;
  const now = Math.floor(bootTimeMs() / TICK_MS);

  beforeAll(() => {
    director = new LoadedDirector({ slots: 1 << 16, flows: 1 << 12 });
    image = new ForwardingImage(director.memory);
    image.setPatience(PATIENCE_TICKS);
    apply(SERVICE, now);
  });
  afterAll(() => director?.[Symbol.dispose]());

  function apply(service: Service, tick: number): void {
    image.setNow(tick);
    image.apply({ ...STANDARD_TABLE, services: [service] }, tick);
    const resolved = { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex: IF_INDEX };
    for (const { index } of image.reals())
      image.setPath(index, { sourceAddress: DIRECTOR, mtuBytes: MTU, resolved });
  }

  function send(sourcePort: number, flags?: number): string {
    const packet = tcp(PORT, { sourcePort, ...(flags !== undefined && { flags }) });
    const addresses = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC };
    return director.run(buildEthernet({ ...addresses, etherType: ETHERTYPE.ipv4 }, packet)).verdict;
  }

  function flowsByReal(): number[] {
    return [...image.reals()].map(({ index }) => image.flowCounts(index).active);
  }

  test('leaves them to the slow path while that is there', () => {
    image.setNow(Math.floor(bootTimeMs() / TICK_MS));
    expect(send(2000)).toBe('handed over');
    expect(flowsByReal()).toEqual([0, 0, 0]);
  });

  test('spreads them by hash and remembers them while it is gone', () => {
    image.setNow(now - 10 * PATIENCE_TICKS);
    for (let flow = 0; flow < FLOWS; flow++) expect(send(3000 + flow)).toBe('sent');
    for (let flow = 0; flow < FLOWS; flow++) expect(send(3000 + flow, ACK)).toBe('sent');
    const spread = flowsByReal();
    expect(spread.reduce((sum, count) => sum + count, 0)).toBe(FLOWS);
    expect(Math.min(...spread)).toBeGreaterThan(FLOWS / 6);
    expect(send(9000, ACK), 'the middle of a flow that nobody knows').toBe('handed over');
  });

  test('not to a real that failed before; and they stay when it is back', () => {
    const [failed, ...others] = SERVICE.reals;
    const reals = [...others, { ...(failed as Service['reals'][number]), serving: false }];
    apply({ ...SERVICE, reals }, now - 10 * PATIENCE_TICKS);
    for (let flow = 0; flow < FLOWS; flow++) expect(send(4000 + flow)).toBe('sent');
    const before = flowsByReal();
    expect(before.filter((count) => count > 0)).toHaveLength(2);
    image.setNow(Math.floor(bootTimeMs() / TICK_MS));
    for (let flow = 0; flow < FLOWS; flow++) expect(send(4000 + flow, ACK)).toBe('sent');
    expect(flowsByReal()).toEqual(before);
  });
});
