import { describe, expect, it } from 'vitest';
import type { FlowFilter } from '../../../../src/dataplane/data-plane.ts';
import { imageFlows } from '../../../../src/dataplane/image-flows.ts';
import type { Service } from '../../../../src/forwarding/forwarding-table.ts';
import {
  type FlowPacket,
  type Selection,
  selectReal,
} from '../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { SERVICE_KIND } from '../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { serviceKind } from '../../../../src/forwarding/image/tables/service-record.ts';
import { type IpAddress, ip } from '../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { flowsOf, real, service, table, VIP } from './tables.ts';

const CAPACITY = { slots: 1 << 14, flows: 1 << 12 };
const [SYN, ACK] = [2, 16];
const PERSISTENCE = { timeoutMs: 60_000, prefixLength: 32 };
const { hash, rotation, delegated, turns, rare } = SERVICE_KIND;

function open(...services: Service[]): {
  image: ForwardingImage;
  memory: ReturnType<typeof allocateImageMemory>;
} {
  const memory = allocateImageMemory(CAPACITY);
  const image = new ForwardingImage(memory);
  image.apply(table(services), 100);
  return { image, memory };
}

function select(image: ForwardingImage, port: number, packet: Partial<FlowPacket> = {}): Selection {
  const entry = image.findService(VIP, port, 'tcp') ?? image.findService(VIP, port, 'udp');
  if (entry === undefined) throw new Error(`no service of port ${port}`);
  return selectReal(
    image,
    entry,
    { client: ipv4('198.51.100.7'), clientPort: 1000, tcpFlags: SYN, ...packet },
    100,
  );
}

describe('the kind of a service', () => {
  const full = [real(1, { upperThreshold: 3 })];
  it.each<[Partial<Service>, number]>([
    [{ scheduler: 'mh' }, hash],
    [{ scheduler: 'rr' }, rotation],
    [{ scheduler: 'wrr' }, rotation],
    [{ scheduler: 'lc' }, delegated],
    [{ scheduler: 'mh', persistence: PERSISTENCE }, delegated],
    [{ scheduler: 'rr', persistence: PERSISTENCE }, delegated],
    [{ scheduler: 'rr', reals: full }, delegated],
    [{ scheduler: 'mh', reals: full }, delegated],
    [{ scheduler: 'rr', protocol: 'udp', onePacket: true }, turns],
    [{ scheduler: 'mh', protocol: 'udp', onePacket: true }, hash],
    [{ scheduler: 'sed', protocol: 'udp', onePacket: true }, rare],
    [{ scheduler: 'rr', protocol: 'udp', onePacket: true, persistence: PERSISTENCE }, rare],
    [{ scheduler: 'rr', protocol: 'sctp' }, rare],
    [{ scheduler: 'mh', protocol: 'sctp' }, rare],
  ])('%j is %i', (overrides, kind) => {
    expect(serviceKind(service(overrides))).toBe(kind);
  });
});

describe('one-packet scheduling', () => {
  const packet = { tcpFlags: undefined } as const;

  it('takes a turn for each packet and remembers nothing', () => {
    const { image } = open(service({ scheduler: 'rr', protocol: 'udp', onePacket: true }));
    const chosen = [1, 2, 3, 4].map(() => select(image, 80, packet));
    expect(chosen.map(({ real: index }) => index)).toEqual([1, 2, 3, 1]);
    expect(chosen.every(({ connection }) => !connection)).toBe(true);
    expect(flowsOf(image, 100)).toEqual([]);
  });

  it('never tracks a slot of a ring', () => {
    const mh = { scheduler: 'mh', protocol: 'udp', onePacket: true } as const;
    const { image } = open(service(mh));
    image.apply(table([service({ ...mh, reals: [real(1), real(2), real(3), real(4)] })]), 101);
    const entry = image.findService(VIP, 80, 'udp');
    expect(entry && image.trackedSlots(entry)).toBe(0);
    for (let port = 1; port < 100; port++) select(image, 80, { ...packet, clientPort: port });
    expect(flowsOf(image, 101)).toEqual([]);
  });
});

describe('a service of several ports', () => {
  const web = service({ scheduler: 'rr', port: 80, morePorts: [443, 8080], persistence: PERSISTENCE });

  it('is found by each, and a client has one real at all', () => {
    const { image } = open(web);
    const chosen = [80, 443, 8080].map((port, i) => select(image, port, { clientPort: 1000 + i }).real);
    expect(new Set(chosen).size).toBe(1);
    expect(image.findService(VIP, 81, 'tcp')).toBeUndefined();
    expect(image.services()).toEqual([web]);
  });

  it('gains and loses ports, also to another service', () => {
    const { image } = open(web);
    const before = image.findService(VIP, 80, 'tcp')?.index;
    const other = service({ scheduler: 'rr', port: 8080, reals: [real(9)] });
    image.apply(table([{ ...web, morePorts: [8443] }, other]), 101);
    expect([80, 8443].map((port) => image.findService(VIP, port, 'tcp')?.index)).toEqual([before, before]);
    expect(image.findService(VIP, 443, 'tcp')).toBeUndefined();
    expect(image.findService(VIP, 8080, 'tcp')?.service).toEqual(other);
  });

  it('may have all ports that no other has', () => {
    const { image } = open(service({ port: 0, scheduler: 'rr' }), service({ port: 22, reals: [real(9)] }));
    expect(image.findService(VIP, 12_345, 'tcp')?.service.port).toBe(0);
    expect(image.findService(VIP, 22, 'tcp')?.service.port).toBe(22);
  });

  it('is one service again for the next process, whichever of its ports its table names first', () => {
    const { image, memory } = open(web);
    const chosen = select(image, 443).real;
    const next = new ForwardingImage(memory);
    const turned = { ...web, port: 443, morePorts: [80, 8080] };
    expect(next.apply(table([turned]), 101).services).toMatchObject({ added: 0, removed: 0 });
    expect(select(next, 8080, { clientPort: 1001 })).toMatchObject({ real: chosen, how: 'template' });
  });

  it('is refused where another has one of its ports', () => {
    const { image } = open(web);
    expect(() => image.apply(table([web, service({ port: 443 })]), 101)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringContaining('tcp 192.0.2.10:443'),
      }),
    );
    expect(image.services()).toEqual([web]);
  });
});

function rr(...numbers: number[]): Service {
  return service({ scheduler: 'rr', reals: numbers.map((number) => real(number)) });
}

describe('flows of a real that is gone', () => {
  it('are held until it is back, if that is asked for', () => {
    const { image } = open(rr(1, 2));
    const first = select(image, 80);
    const held = { ...table([rr(2)]), expireNodestConn: false };
    image.apply(held, 101);
    expect(select(image, 80, { tcpFlags: ACK })).toMatchObject({ real: 0, how: 'held' });
    expect(select(image, 80)).toMatchObject({ real: 0, how: 'held' });
    image.apply({ ...table([rr(1, 2)]), expireNodestConn: false }, 102);
    expect(select(image, 80, { tcpFlags: ACK })).toMatchObject({ real: first.real, how: 'flow' });
  });

  it('give its place free when the last has timed out', () => {
    const { image } = open(rr(1, 2));
    select(image, 80);
    image.apply({ ...table([rr(2)]), expireNodestConn: false }, 101);
    image.sweep(102);
    expect(image.real(1)?.address).toBe(real(1).address);
    image.sweep(1000);
    expect(image.real(1)).toBeUndefined();
  });

  it('are forgotten at once otherwise, also when that changes', () => {
    const { image } = open(rr(1, 2));
    select(image, 80);
    image.apply({ ...table([rr(2)]), expireNodestConn: false }, 101);
    image.apply(table([rr(2)]), 102);
    expect(flowsOf(image, 102)).toEqual([]);
    expect(image.real(1)).toBeUndefined();
  });
});

async function clients(image: ForwardingImage, filter: FlowFilter): Promise<IpAddress[]> {
  const found: IpAddress[] = [];
  for await (const { client } of imageFlows(image, 100, filter)) if (client !== undefined) found.push(client);
  return found.toSorted((a, b) => (a < b ? -1 : 1));
}

describe('the list of flows', () => {
  it('tells templates apart and goes by client, network, real and state', async () => {
    const { image } = open(service({ scheduler: 'rr', persistence: PERSISTENCE }));
    const [a, b] = [ipv4('198.51.100.7'), ipv4('198.51.101.7')];
    select(image, 80, { client: a });
    select(image, 80, { client: b });
    expect(await clients(image, {})).toEqual([a, a, b, b]);
    expect(await clients(image, { state: 'TEMPLATE' })).toEqual([a, b]);
    expect(await clients(image, { state: 'SYN_RECV', client: b })).toEqual([b]);
    expect(await clients(image, { client: ip('198.51.100.0'), prefixLength: 24 })).toEqual([a, a]);
    expect(await clients(image, { real: real(2).address })).toEqual([b, b]);
    image.sweep(100);
    expect([1, 2, 3].map((index) => image.flowCounts(index).templates)).toEqual([1, 1, 0]);
  });
});

function persistent(reals: Service['reals']): Service {
  return service({ scheduler: 'rr', persistence: PERSISTENCE, reals });
}

describe('a template whose real has weight 0', () => {
  it.each([
    [false, 'template'],
    [true, 'scheduled'],
  ] as const)(
    'with expireQuiescentTemplate %s gives way: a new flow is by %s',
    (expireQuiescentTemplate, how) => {
      const { image } = open(persistent([real(1), real(2)]));
      const first = select(image, 80).real;
      const reals = [1, 2].map((number) => real(number, { weight: number === first ? 0 : 1 }));
      image.apply({ ...table([persistent(reals)]), expireQuiescentTemplate }, 101);
      expect(select(image, 80, { tcpFlags: ACK })).toMatchObject({ real: first, how: 'flow' });
      const next = select(image, 80, { clientPort: 1001 });
      expect(next.how).toBe(how);
      expect(next.real === first).toBe(!expireQuiescentTemplate);
      expect(select(image, 80, { clientPort: 1002 })).toMatchObject({ real: next.real, how: 'template' });
    },
  );
});

describe('a TCP packet that belongs to no flow', () => {
  const RST = 4;

  it.each(['rr', 'wlc'] as const)('%s: opens one with sloppyTcp, unless it is a RST', (scheduler) => {
    const { image } = open(service({ scheduler }));
    expect(select(image, 80, { tcpFlags: ACK })).toMatchObject({ real: 0, how: 'no-flow' });
    image.apply({ ...table([service({ scheduler })]), sloppyTcp: true }, 101);
    const chosen = select(image, 80, { tcpFlags: ACK });
    expect(chosen).toMatchObject({ connection: true });
    expect(chosen.real).not.toBe(0);
    expect(select(image, 80, { tcpFlags: ACK })).toMatchObject({ real: chosen.real, how: 'flow' });
    expect(select(image, 80, { clientPort: 1001, tcpFlags: RST })).toMatchObject({ real: 0, how: 'no-flow' });
  });
});
