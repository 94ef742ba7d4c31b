import { describe, expect, test } from 'vitest';
import type { KnownFlow } from '../../../../src/dataplane/data-plane.ts';
import { SentFlows } from '../../../../src/director/sync/sent-flows.ts';
import { newSyncCounters, type SyncCounters } from '../../../../src/director/sync/sync-counters.ts';
import { knownFlow } from '../../../../src/director/sync/sync-flow.ts';
import { SyncMaster } from '../../../../src/director/sync/sync-master.ts';
import { SyncReceiver } from '../../../../src/director/sync/sync-receiver.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import { encodeSyncMessages, SYNC_FLAGS, type SyncConnection } from '../../../../src/sync/sync-message.ts';
import { real, service, table, VIP } from '../../forwarding/image/tables.ts';
import { ImagePlane } from '../image-plane.ts';

const SYNC_ID = 7;
const V6 = ip('2001:db8::10');
const V6_REAL = { ...real(1), address: ip('2001:db8:2::1') };
const SERVICES = [
  service({ scheduler: 'wlc', persistence: { timeoutMs: 60_000, prefixLength: 24 } }),
  service({ scheduler: 'rr', protocol: 'udp' }),
  service({ scheduler: 'wlc', protocol: 'sctp' }),
  service({ scheduler: 'wrr', port: 443, morePorts: [8443] }),
  service({ scheduler: 'wlc', vip: V6, reals: [V6_REAL, real(2)] }),
];

async function openPlane(): Promise<ImagePlane> {
  const plane = new ImagePlane();
  await plane.apply(table(SERVICES));
  return plane;
}

function flow(change: Partial<KnownFlow> & { readonly port?: number } = {}): KnownFlow {
  const { port = 80, ...rest } = change;
  const of = { vip: VIP, protocol: 'tcp', port } as const;
  const client = ip('198.51.100.7');
  return { service: of, client, clientPort: 4000, real: real(2).address, state: 'ESTABLISHED', ...rest };
}

/** A master and what it has sent, with a clock of its own. */
class Sender {
  readonly messages: Uint8Array[] = [];
  readonly counters = newSyncCounters();
  nowMs = 1_000_000;
  readonly #master: SyncMaster;

  constructor(plane: ImagePlane) {
    this.#master = new SyncMaster({
      plane,
      socket: { send: (payload) => this.messages.push(payload) > 0 },
      sent: new SentFlows(1 << 8, 100),
      counters: this.counters,
      syncId: SYNC_ID,
      nowMs: () => this.nowMs,
    });
  }

  /** One pass; returns how many flows it sent. */
  async pass(): Promise<number> {
    const before = this.counters.sent;
    await this.#master.scan();
    this.#master.send();
    return this.counters.sent - before;
  }
}

function receive(plane: ImagePlane, messages: readonly Uint8Array[], syncId = SYNC_ID): SyncCounters {
  const counters = newSyncCounters();
  const waiting = [...messages];
  const receiver = new SyncReceiver({
    socket: {
      receive: () => {
        const payload = waiting.shift();
        return payload && { payload, source: ip('10.0.0.2') };
      },
    },
    counters,
    syncId,
    nowMs: () => 0,
    onMessage: ({ connections }) => {
      const flows = connections.map(knownFlow).filter((known) => known !== undefined);
      for (const [name, count] of Object.entries(plane.learn(flows))) {
        counters[name as keyof SyncCounters] += count;
      }
    },
  });
  while (waiting.length > 0) receiver.read();
  return counters;
}

async function flowsOf(plane: ImagePlane): Promise<string[]> {
  const found: string[] = [];
  for await (const { service: of, client, clientPort, real: at, state, packetPort } of plane.flows()) {
    found.push([of.protocol, of.vip, of.port, packetPort, client, clientPort, at, state].join(' '));
  }
  return found.sort();
}

const TO_V6 = { vip: V6, protocol: 'tcp', port: 80 } as const;
const FLOWS: readonly KnownFlow[] = [
  flow(),
  flow({ client: ip('198.51.100.0'), clientPort: 0, state: 'TEMPLATE' }),
  flow({ client: ip('203.0.113.0'), clientPort: 0, state: 'ASSURED' }),
  flow({ clientPort: 4001, state: 'FIN_WAIT' }),
  flow({ clientPort: 4002, state: 'CLOSE' }),
  flow({ service: { vip: VIP, protocol: 'udp', port: 80 }, state: 'UDP' }),
  flow({ service: { vip: VIP, protocol: 'sctp', port: 80 } }),
  flow({ port: 443, clientPort: 4003 }),
  flow({ port: 8443, clientPort: 4004 }),
  flow({ service: TO_V6, client: ip('2001:db8:9::1'), real: V6_REAL.address }),
];

test('what one director sends, the other one holds: families, protocols, states, templates and ports', async () => {
  const [master, backup] = [await openPlane(), await openPlane()];
  expect(master.learn(FLOWS)).toMatchObject({ learned: FLOWS.length });
  const sender = new Sender(master);
  expect(await sender.pass()).toBe(FLOWS.length);
  expect(receive(backup, sender.messages)).toMatchObject({ learned: FLOWS.length, receivedMessages: 1 });
  expect(await flowsOf(backup)).toEqual(await flowsOf(master));
});

describe('a master', () => {
  test('sends a flow when it is new, changed, or due again, and no half-open ones', async () => {
    const plane = await openPlane();
    const sender = new Sender(plane);
    plane.learn([flow(), flow({ clientPort: 5000, state: 'SYN_RECV' })]);
    const sent = [await sender.pass(), await sender.pass()];
    plane.learn([flow({ state: 'FIN_WAIT', leftMs: 1 })]);
    plane.image.learn({ ...flow(), state: 3, seenTick: 1 }, 1);
    sent.push(await sender.pass());
    sender.nowMs += 10_000;
    sent.push(await sender.pass(), await sender.pass());
    expect(sent).toEqual([1, 0, 1, 1, 0]);
  });

  test('leaves out what no message can name: two families', async () => {
    const plane = await openPlane();
    plane.learn([flow({ service: TO_V6, client: ip('2001:db8:9::1') })]);
    const sender = new Sender(plane);
    expect([await sender.pass(), sender.counters.unsent]).toEqual([0, 1]);
  });

  test('sends what is left of the timeout, so that both forget the flow together', async () => {
    const [master, backup] = [await openPlane(), await openPlane()];
    master.learn([flow({ idleMs: 15_000 })]);
    const sender = new Sender(master);
    await sender.pass();
    receive(backup, sender.messages);
    for await (const { idleMs, leftMs } of backup.flows()) expect([idleMs, leftMs]).toEqual([15_000, 5_000]);
  });
});

const encoded = (...list: SyncConnection[]): Uint8Array[] => [...encodeSyncMessages(SYNC_ID, list)];

describe('a backup', () => {
  const connection: SyncConnection = {
    protocol: 6,
    flags: SYNC_FLAGS.tunnel,
    state: 1,
    client: ip('198.51.100.7'),
    clientPort: 4000,
    vip: VIP,
    port: 80,
    real: real(1).address,
    realPort: 80,
    fwmark: 0,
    timeoutS: 20,
  };

  test('is not changed by a message again', async () => {
    const plane = await openPlane();
    receive(plane, encoded(connection));
    const before = [...plane.image.flows.words];
    expect(receive(plane, encoded(connection))).toMatchObject({ known: 1, learned: 0 });
    expect([...plane.image.flows.words]).toEqual(before);
  });

  test.each<[string, Uint8Array[], Partial<SyncCounters>]>([
    ['another syncid', [...encodeSyncMessages(8, [connection])], { foreignMessages: 1 }],
    ['a cut message', encoded(connection).map((bytes) => bytes.subarray(0, 30)), { malformedMessages: 1 }],
    ['no service', encoded({ ...connection, port: 81 }), { unknown: 1 }],
    ['no real', encoded({ ...connection, real: ip('203.0.113.9') }), { unknown: 1 }],
    [
      'a flood',
      Array.from({ length: 500 }, () => encoded({ ...connection, port: 81 })).flat(),
      { unknown: 500, overLimit: 0 },
    ],
  ])('counts %s and changes nothing', async (_, messages, counted) => {
    const plane = await openPlane();
    expect(receive(plane, messages)).toMatchObject(counted);
    expect(await flowsOf(plane)).toEqual([]);
  });

  test('takes every syncid if its own is 0', async () => {
    const plane = await openPlane();
    expect(receive(plane, [...encodeSyncMessages(9, [connection])], 0)).toMatchObject({ learned: 1 });
  });

  test('drops more than so many flows in a second', async () => {
    const plane = await openPlane();
    const [full] = encoded(...Array.from({ length: 40 }, () => ({ ...connection, port: 81 })));
    const counters = receive(
      plane,
      Array.from({ length: 10_010 }, () => full as Uint8Array),
    );
    expect(counters).toMatchObject({ unknown: 400_000, overLimit: 400 });
  });

  test('has no use for a connection of a firewall mark, or in no state', () => {
    expect(knownFlow({ ...connection, protocol: 0 })).toBeUndefined();
    expect(knownFlow({ ...connection, state: 99 })).toBeUndefined();
  });
});
