import { describe, expect, test } from 'vitest';
import type { Service } from '../../../../../src/forwarding/forwarding-table.ts';
import { selectReal } from '../../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../../src/forwarding/image/forwarding-image.ts';
import {
  CURSOR_SIZE,
  FLOW,
  REAL,
  SERVICE,
  SETTINGS,
} from '../../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory, type ImageMemory } from '../../../../../src/forwarding/image/tables/memory.ts';
import { ip } from '../../../../../src/net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../../../src/net/address/ipv4-address.ts';
import { real, service, table, VIP } from '../tables.ts';

const WEB = service();
const SERVICES = [
  WEB,
  service({ port: 443, morePorts: [8443], scheduler: 'wrr', reals: [real(1), real(2, { weight: 3 })] }),
  service({ vip: ip('2001:db8::10'), scheduler: 'wlc' }),
  service({ port: 9, protocol: 'sctp', scheduler: 'wlc', reals: [real(4, { serving: false })] }),
];
const PARTS = ['settings', 'services', 'noClients', 'reals', 'slots'] as const;

interface Opened {
  readonly image: ForwardingImage;
  readonly memory: ImageMemory;
}

/** With a ring in transition. */
function open(services: readonly Service[] = SERVICES): Opened {
  const memory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 10 });
  const image = new ForwardingImage(memory);
  image.apply(table([{ ...WEB, reals: [real(1), real(2)] }]), 100);
  image.apply(table(services), 100);
  return { image, memory };
}

function copyOf(memory: ImageMemory): Record<string, Uint8Array> {
  return Object.fromEntries(PARTS.map((part) => [part, new Uint8Array(memory[part]).slice()]));
}

/** Bytes that differ, of each part. */
function differing(
  memory: ImageMemory,
  copy: Readonly<Record<string, Uint8Array>>,
): Record<string, number[]> {
  const found = PARTS.map((part) => {
    const bytes = new Uint8Array(memory[part]);
    const offsets: number[] = [];
    if (Buffer.compare(bytes, copy[part] as Uint8Array) === 0) return [part, offsets] as const;
    for (let at = 0; at < bytes.length; at++) if (bytes[at] !== copy[part]?.[at]) offsets.push(at);
    return [part, offsets] as const;
  });
  return Object.fromEntries(found.filter(([, offsets]) => offsets.length > 0));
}

function entryOf(memory: ImageMemory, vip: Ipv4Address, port: number): number {
  const view = new DataView(memory.services);
  for (let at = 0; at < memory.services.byteLength; at += SERVICE.size) {
    const isPort = view.getUint16(at + SERVICE.portBe) === port;
    if (isPort && view.getUint32(at + SERVICE.vipBe) === vip && view.getUint8(at + SERVICE.kind) > 1)
      return at;
  }
  throw new Error('no such entry');
}

function firstSlot(memory: ImageMemory, at: number): number {
  return new DataView(memory.services).getUint32(at + SERVICE.ring, true);
}

function realEntry(image: ForwardingImage, number: number): number {
  const entry = [...image.reals()].find(({ address }) => address === real(number).address);
  return (entry?.index ?? 0) * REAL.size;
}

const web = (memory: ImageMemory): number => entryOf(memory, VIP, 80);

describe('what others have written is found, named and put back', () => {
  test.each<[string, (opened: Opened) => void, RegExp]>([
    ['a hash key', ({ memory }) => new Uint8Array(memory.settings).fill(7, 0, 16), /^the setting hashKey/],
    [
      'a budget',
      ({ memory }) => new DataView(memory.settings).setUint32(SETTINGS.budget + 4, 1, true),
      /^the setting budget of the fast path$/,
    ],
    [
      'the kind of a service',
      ({ memory }) => new DataView(memory.services).setUint8(web(memory) + SERVICE.kind, 3),
      /^the entry of tcp 192\.0\.2\.10:80 in the service table$/,
    ],
    [
      'a service that is gone',
      ({ memory }) => new Uint8Array(memory.services).fill(0, web(memory), web(memory) + SERVICE.size),
      /^the entry of tcp 192\.0\.2\.10:80 in the service table$/,
    ],
    ['the whole table', ({ memory }) => new Uint8Array(memory.services).fill(0), /^the entry of /],
    [
      'a service of nobody',
      ({ memory }) => {
        const bytes = new Uint8Array(memory.services);
        const free = new DataView(memory.services);
        let at = 0;
        while (free.getUint8(at + SERVICE.kind) !== 0) at += SERVICE.size;
        bytes.set(bytes.slice(web(memory), web(memory) + SERVICE.size), at);
      },
      /^entry \d+ of the service table, which is unused$/,
    ],
    [
      'the address of a real',
      ({ image, memory }) =>
        new DataView(memory.reals).setUint32(realEntry(image, 1) + REAL.outerDestinationBe, ipv4('10.9.9.9')),
      /^the entry of real 10\.0\.0\.1 of tcp 192\.0\.2\.10:80$/,
    ],
    [
      'a failed real that is made to serve',
      ({ image, memory }) => new DataView(memory.reals).setUint16(realEntry(image, 4) + REAL.state, 1, true),
      /^the entry of real 10\.0\.0\.4 of sctp 192\.0\.2\.10:9$/,
    ],
    [
      'slots of a ring, in transition too',
      ({ memory }) =>
        new Uint32Array(memory.slots).fill(
          99,
          firstSlot(memory, web(memory)),
          firstSlot(memory, web(memory)) + 40,
        ),
      /^40 slots of tcp 192\.0\.2\.10:80$/,
    ],
    [
      'a turn',
      ({ memory }) => {
        new Uint32Array(memory.slots)[firstSlot(memory, entryOf(memory, VIP, 443))] = 99;
      },
      /^1 slot of tcp 192\.0\.2\.10:443$/,
    ],
  ])('%s', (_name, tamper, words) => {
    const opened = open();
    const copy = copyOf(opened.memory);
    tamper(opened);
    expect(differing(opened.memory, copy)).not.toEqual({});
    const found = opened.image.mendDrift();
    for (const one of found) expect(one).toMatch(words);
    expect(found.length).toBeGreaterThan(0);
    expect(differing(opened.memory, copy)).toEqual({});
    expect(opened.image.mendDrift()).toEqual([]);
  });

  test('any word that is in use', () => {
    const { image, memory } = open();
    const copy = copyOf(memory);
    // A small generator, so that a failure is the same the next time.
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let round = 0; round < 200; round++) {
      const part = PARTS[random(3)] ?? 'reals';
      const words = new Uint32Array(memory[part]);
      const at = random(part === 'reals' ? 160 : words.length);
      if (part === 'settings' && (4 * at === SETTINGS.now || 4 * at === SETTINGS.outerId)) continue;
      words[at] = ((words[at] as number) ^ (1 + random(1 << 16))) >>> 0;
      expect(image.mendDrift()).toHaveLength(1);
    }
    expect(differing(memory, copy)).toEqual({});
  });
});

test('what the fast path writes is no drift: flows, cursors, the outer ID; nor is the clock', () => {
  const { image, memory } = open();
  for (let port = 1; port < 50; port++) {
    const entry = image.findService(VIP, 443, 'tcp');
    if (entry === undefined) throw new Error('no such service');
    selectReal(image, entry, { client: ipv4('198.51.100.7'), clientPort: port, tcpFlags: 2 }, 100);
  }
  new BigUint64Array(memory.cursors)[CURSOR_SIZE / 8] = 5n;
  new BigUint64Array(memory.flows)[(4000 * FLOW.size) / 8] = 5n;
  new DataView(memory.settings).setUint32(SETTINGS.outerId, 77, true);
  image.setNow(101);
  image.sweep(102);
  expect(image.mendDrift()).toEqual([]);
  expect(new DataView(memory.settings).getUint32(SETTINGS.outerId, true)).toBe(77);
});

test('a change that comes before the look does not take the drift for its own', () => {
  const { image, memory } = open();
  const index = realEntry(image, 1) / REAL.size;
  const clean = copyOf(memory);
  new DataView(memory.reals).setUint16(realEntry(image, 1) + REAL.weight, 999, true);
  new Uint8Array(memory.services).fill(0);
  image.setMtu(index, 1400);
  image.apply(table([...SERVICES, service({ port: 81 })]), 100);
  expect(image.mendDrift().join()).toMatch(/tcp 192\.0\.2\.10:80.*real 10\.0\.0\.1/);
  expect(image.real(index)).toMatchObject({ weight: 1, mtuBytes: 1400 });
  image.setMtu(index, 1500);
  image.apply(table(SERVICES), 100);
  const changed = differing(memory, clean);
  // What is left of the service that came and went is behind its kind, which says that it is empty.
  expect(changed['settings']).toBeUndefined();
  expect(new ForwardingImage(memory).services()).toHaveLength(SERVICES.length);
});

test('after a take-over what a former run left is looked at too', () => {
  const { memory } = open();
  const image = new ForwardingImage(memory);
  image.apply(table(SERVICES), 200);
  expect(image.mendDrift()).toEqual([]);
  new Uint32Array(memory.slots)[firstSlot(memory, web(memory))] = 99;
  expect(image.mendDrift()).toEqual(['1 slot of tcp 192.0.2.10:80']);
});
