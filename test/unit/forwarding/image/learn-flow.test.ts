import { describe, expect, test } from 'vitest';
import type { Service } from '../../../../src/forwarding/forwarding-table.ts';
import { clientWord } from '../../../../src/forwarding/hashing/client-word.ts';
import { selectReal } from '../../../../src/forwarding/image/choice/select-real.ts';
import {
  ForwardingImage,
  type Learned,
  type ReportedFlow,
} from '../../../../src/forwarding/image/forwarding-image.ts';
import { FLOW_STATE } from '../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { type IpAddress, ip, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import { flowsOf, real, service, table, VIP } from './tables.ts';

const NOW = 1000;
const CLIENT = ip('198.51.100.7');
const [SYN, RST, ACK] = [2, 4, 16];
const REALS = [1, 2, 3].map((number) => real(number).address);
const [FIRST, SECOND] = REALS as [IpAddress, IpAddress, IpAddress];

/** A director that learns flows and then has their packets. */
class Learner {
  readonly image = new ForwardingImage(allocateImageMemory({ slots: 1 << 12, flows: 1 << 10 }));
  readonly #services: Service[];

  constructor(...services: Service[]) {
    this.#services = services;
    this.image.apply(table(services), NOW);
  }

  learn(change: Partial<ReportedFlow> = {}): Learned {
    const [{ vip, protocol, port }] = this.#services as [Service];
    const flow = {
      service: { vip, protocol, port },
      client: CLIENT,
      clientPort: 4000,
      real: FIRST,
      state: FLOW_STATE.established,
      seenTick: NOW,
      ...change,
    };
    return this.image.learn(flow, NOW);
  }

  /** The real that a packet goes to. */
  send(tcpFlags: number | undefined, clientPort = 4000, client = CLIENT, port = 80): IpAddress | undefined {
    const [{ vip, protocol }] = this.#services as [Service];
    const entry = this.image.findService(vip, port, protocol);
    if (entry === undefined) throw new Error('no such service');
    const packet = {
      client: clientWord(client, this.image.hashKey),
      clientAddress: isIpv6(client) ? client : undefined,
      clientPort,
      servicePort: port,
      tcpFlags,
    };
    return this.image.real(selectReal(this.image, entry, packet, NOW + 5).real)?.address;
  }

  sweep(tick: number): void {
    this.image.setNow(tick);
    this.image.sweep(tick);
  }
}

const kinds: [string, Partial<Service>][] = [
  ['hash', { scheduler: 'mh' }],
  ['hash of the source', { scheduler: 'mh', hashOn: 'source' }],
  ['rotation', { scheduler: 'wrr' }],
  ['delegated', { scheduler: 'wlc' }],
  ['delegated for persistence', { scheduler: 'mh', persistence: { timeoutMs: 60_000, prefixLength: 24 } }],
  ['several ports', { scheduler: 'rr', port: 80, morePorts: [443] }],
  ['all ports', { scheduler: 'rr', port: 0 }],
];

describe.each(kinds)('a service of kind %s', (_, options) => {
  test.each([
    ['IPv4', VIP, CLIENT],
    ['IPv6', ip('2001:db8::10'), ip('2001:db8:1::7')],
  ])('has the packets of a learned flow go on to its real: %s', (_family, vip, client) => {
    const learner = new Learner(service({ vip, ...options }));
    const port = options.port === 80 ? 443 : 80;
    const of = { vip, protocol: 'tcp', port } as const;
    REALS.forEach((address, i) => {
      const flow = { service: of, client, real: address, clientPort: 4000 + i };
      expect(['learned', 'stateless']).toContain(learner.learn(flow));
      if (options.scheduler !== 'mh') expect(learner.learn(flow)).toBe('known');
    });
    for (const tick of [NOW + 1, NOW + 20]) learner.sweep(tick);
    REALS.forEach((address, i) => expect(learner.send(ACK, 4000 + i, client, port)).toBe(address));
  });
});

test('a ring remembers only flows that it would send elsewhere, and is stable when they are over', () => {
  const learner = new Learner(service());
  const own = learner.send(SYN) as IpAddress;
  const other = REALS.find((address) => address !== own) as IpAddress;
  expect([learner.learn({ real: own }), flowsOf(learner.image, NOW).length]).toEqual(['stateless', 0]);
  expect(learner.learn({ real: other })).toBe('learned');
  const entry = learner.image.findService(VIP, 80, 'tcp');
  if (entry === undefined) throw new Error('no such service');
  learner.sweep(NOW + 2);
  expect(learner.image.trackedSlots(entry)).toBe(1);
  expect(learner.send(ACK)).toBe(other);
  learner.send(RST | ACK);
  learner.sweep(NOW + 100);
  learner.sweep(NOW + 101);
  expect(learner.image.trackedSlots(entry)).toBe(0);
  expect(learner.send(SYN)).toBe(own);
});

describe('an entry that is here already', () => {
  const wlc = service({ scheduler: 'wlc' });

  test('stays if it is newer and names another real', () => {
    const learner = new Learner(wlc);
    learner.learn({ real: FIRST });
    expect(learner.learn({ real: SECOND, seenTick: NOW - 1 })).toBe('kept');
    expect(learner.send(ACK)).toBe(FIRST);
  });

  test('gives way to a newer one, as a client that comes back with its port has', () => {
    const learner = new Learner(wlc);
    learner.learn({ real: FIRST, seenTick: NOW - 50 });
    expect(learner.learn({ real: SECOND })).toBe('learned');
    expect(learner.send(ACK)).toBe(SECOND);
  });

  test('gives way if it is over', () => {
    const learner = new Learner(wlc);
    learner.learn({ real: FIRST, state: FLOW_STATE.finWait });
    expect(learner.learn({ real: SECOND })).toBe('learned');
  });

  test('takes a newer state over, not an older one', () => {
    const learner = new Learner(wlc);
    const states = [
      learner.learn({ seenTick: NOW - 9, state: FLOW_STATE.synRecv }),
      learner.learn(),
      learner.learn({ seenTick: NOW - 5, state: FLOW_STATE.close }),
    ];
    expect(states).toEqual(['learned', 'known', 'known']);
    expect(flowsOf(learner.image, NOW)).toMatchObject([{ state: FLOW_STATE.established, idleTicks: 0 }]);
  });

  test('is left as it is by the same report again', () => {
    const learner = new Learner(wlc);
    learner.learn();
    const before = [...learner.image.flows.words];
    expect(learner.learn()).toBe('known');
    expect([...learner.image.flows.words]).toEqual(before);
  });
});

test('counts follow, so that the scheduler sees the load', () => {
  const learner = new Learner(service({ scheduler: 'wlc' }));
  for (let port = 1; port <= 10; port++) learner.learn({ clientPort: port });
  expect(learner.send(SYN)).not.toBe(FIRST);
  const [first] = [...learner.image.reals()];
  expect(learner.image.flowCounts(first?.index ?? 0)).toMatchObject({ active: 10 });
});

describe('templates', () => {
  const persistent = service({ scheduler: 'wlc', persistence: { timeoutMs: 60_000, prefixLength: 24 } });
  const template = { client: ip('198.51.100.0'), clientPort: 0, state: FLOW_STATE.template };

  test('send new flows of their network to the real', () => {
    for (const address of REALS) {
      const learner = new Learner(persistent);
      expect(learner.learn({ ...template, real: address })).toBe('learned');
      expect(learner.send(SYN)).toBe(address);
    }
  });

  test('are of no use without persistence', () => {
    expect(new Learner(service({ scheduler: 'wlc' })).learn(template)).toBe('stateless');
  });
});

test.each<[string, Partial<ReportedFlow>, Service]>([
  ['a port without a service', { service: { vip: VIP, protocol: 'tcp', port: 81 } }, service()],
  ['another VIP', { service: { vip: ip('192.0.2.11'), protocol: 'tcp', port: 80 } }, service()],
  ['another protocol', { service: { vip: VIP, protocol: 'udp', port: 80 } }, service()],
  ['another real', { real: ip('203.0.113.99') }, service()],
  ['a real that does not serve', {}, service({ reals: [real(1, { serving: false }), real(2)] })],
])('nothing is learned of %s', (_, change, of) => {
  const learner = new Learner({ ...of, scheduler: 'wlc' });
  expect([learner.learn(change), flowsOf(learner.image, NOW)]).toEqual(['unknown', []]);
});
