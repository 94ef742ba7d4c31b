import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BFD_STATE, type BfdState, type ControlPacket } from '../../../../src/health/bfd/control-packet.ts';
import {
  afterSending,
  type BfdParameters,
  type BfdSession,
  deadlineMs,
  expire,
  packetToSend,
  receivePacket,
  shutDown,
  startSession,
  transmitIntervalMs,
} from '../../../../src/health/bfd/session.ts';

const { adminDown, down, init, up } = BFD_STATE;
const PARAMETERS: BfdParameters = { minTxMs: 50, minRxMs: 40, idleTxMs: 1000, multiplier: 3, passive: false };

function packet(state: BfdState, more: Partial<ControlPacket> = {}): ControlPacket {
  return {
    diagnostic: 0,
    state,
    poll: false,
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    multiplier: 4,
    myDiscriminator: 9,
    yourDiscriminator: 7,
    desiredMinTxUs: 100_000,
    requiredMinRxUs: 60_000,
    requiredMinEchoRxUs: 0,
    ...more,
  };
}

function start(more: Partial<BfdParameters> = {}): BfdSession {
  return startSession({ ...PARAMETERS, ...more }, 7, 0);
}

function take(session: BfdSession, heard: ControlPacket, nowMs = 1): BfdSession {
  return receivePacket(session, heard, { nowMs, random: 0.5 }).session;
}

function inState(state: BfdState, more: Partial<BfdParameters> = {}): BfdSession {
  const began = start(more);
  if (state === down) return began;
  if (state === init) return take(began, packet(down));
  return take(began, packet(init));
}

// RFC 5880, section 6.8.6: the table of states, and the diagnostic that goes with it.
test.each([
  { local: down, heard: adminDown, becomes: down, diagnostic: 0 },
  { local: down, heard: down, becomes: init, diagnostic: 0 },
  { local: down, heard: init, becomes: up, diagnostic: 0 },
  { local: down, heard: up, becomes: down, diagnostic: 0 },
  { local: init, heard: adminDown, becomes: down, diagnostic: 3 },
  { local: init, heard: down, becomes: init, diagnostic: 0 },
  { local: init, heard: init, becomes: up, diagnostic: 0 },
  { local: init, heard: up, becomes: up, diagnostic: 0 },
  { local: up, heard: adminDown, becomes: down, diagnostic: 3 },
  { local: up, heard: down, becomes: down, diagnostic: 3 },
  { local: up, heard: init, becomes: up, diagnostic: 0 },
  { local: up, heard: up, becomes: up, diagnostic: 0 },
])('in state $local, state $heard heard: $becomes', ({ local, heard, becomes, diagnostic }) => {
  const before = inState(local);
  const { session, answer } = receivePacket(before, packet(heard), { nowMs: 2, random: 0 });
  expect(session).toMatchObject({ state: becomes, diagnostic });
  // A change is told at once, not when the next packet is due.
  expect(answer).toBe(becomes === local ? undefined : 'news');
});

test('a session begins with the slow interval, and knows nobody', () => {
  expect(packetToSend(start(), false)).toEqual(
    packet(down, {
      multiplier: 3,
      myDiscriminator: 7,
      yourDiscriminator: 0,
      desiredMinTxUs: 1_000_000,
      requiredMinRxUs: 40_000,
    }),
  );
  expect(start().dueMs).toBe(0);
});

test('once up the faster interval is polled for until the peer confirms it', () => {
  const session = inState(up);
  expect(packetToSend(session, false)).toMatchObject({ state: up, poll: true, desiredMinTxUs: 50_000 });
  expect(packetToSend(take(session, packet(up)), false).poll).toBe(true);
  expect(packetToSend(take(session, packet(up, { final: true })), false).poll).toBe(false);
});

test('a poll is answered at once, and never by another poll', () => {
  const session = inState(up);
  const received = receivePacket(session, packet(up, { poll: true }), { nowMs: 3, random: 0 });
  expect(received.answer).toBe('final');
  expect(packetToSend(received.session, true)).toMatchObject({ final: true, poll: false });
});

test.each([
  { description: 'our own wish where the peer takes more', rx: 20_000, interval: 50 },
  { description: 'what the peer can take where we want more', rx: 700_000, interval: 700 },
  { description: 'none where the peer wants none', rx: 0, interval: Infinity },
])('transmit interval: $description', ({ rx, interval }) => {
  const session = take(inState(up), packet(up, { requiredMinRxUs: rx }));
  expect(transmitIntervalMs(session)).toBe(interval);
});

test.each([
  { tx: 100_000, multiplier: 4, detection: 400 },
  { tx: 10_000, multiplier: 4, detection: 160 },
  { tx: 2_000_000, multiplier: 1, detection: 2000 },
])(
  'detection time: $multiplier packets of a peer that sends every $tx us',
  ({ tx, multiplier, detection }) => {
    const session = take(inState(up), packet(up, { desiredMinTxUs: tx, multiplier }), 5);
    expect(deadlineMs(session)).toBe(5 + detection);
    expect(expire(session, { nowMs: 4 + detection, random: 0 })).toBe(session);
    const silent = expire(session, { nowMs: 5 + detection, random: 0 });
    expect(silent).toMatchObject({ state: down, diagnostic: 1, polling: false });
    expect(packetToSend(silent, false)).toMatchObject({ yourDiscriminator: 0, desiredMinTxUs: 1_000_000 });
    // The peer may still hear it, and is told at once.
    expect(silent.dueMs).toBe(5 + detection);
    expect(deadlineMs(silent)).toBe(Infinity);
  },
);

test('a peer that was heard of once is forgotten without going down a second time', () => {
  const told = take(inState(up), packet(down), 10);
  expect(packetToSend(told, false)).toMatchObject({ state: down, diagnostic: 3, yourDiscriminator: 9 });
  const silent = expire(told, { nowMs: 1000, random: 0 });
  expect(silent).toMatchObject({ state: down, diagnostic: 3 });
  expect(packetToSend(silent, false).yourDiscriminator).toBe(0);
});

test('an interval that has become shorter is honoured at once, a longer one from the next packet on', () => {
  const sent = afterSending(start(), { nowMs: 100, random: 0 });
  expect(sent.dueMs).toBe(1100);
  const fast = receivePacket(sent, packet(init), { nowMs: 120, random: 0 }).session;
  expect(fast.dueMs).toBe(160);
  const late = receivePacket(sent, packet(init), { nowMs: 400, random: 0 }).session;
  expect(late.dueMs).toBe(400);
  expect(receivePacket(fast, packet(down), { nowMs: 130, random: 0 }).session.dueMs).toBe(160);
  const muted = receivePacket(fast, packet(up, { requiredMinRxUs: 0 }), { nowMs: 130, random: 0 }).session;
  expect(muted.dueMs).toBe(Infinity);
  expect(receivePacket(muted, packet(up), { nowMs: 500, random: 0 }).session.dueMs).toBe(500);
});

test('jitter: less by up to a quarter, by a tenth at least where the multiplier is 1', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
      const due = (multiplier: number): number =>
        afterSending(take(inState(up, { multiplier }), packet(up, { requiredMinRxUs: 1_000_000 })), {
          nowMs: 0,
          random,
        }).dueMs;
      expect(due(3)).toBeGreaterThanOrEqual(750);
      expect(due(3)).toBeLessThanOrEqual(1000);
      expect(due(1)).toBeGreaterThanOrEqual(750);
      expect(due(1)).toBeLessThanOrEqual(900);
    }),
  );
});

test('a passive side sends only while it knows somebody', () => {
  const session = start({ passive: true });
  expect(session.dueMs).toBe(Infinity);
  const heard = take(session, packet(down, { yourDiscriminator: 0 }));
  expect(heard.state).toBe(init);
  expect(heard.dueMs).toBe(1);
  expect(expire(heard, { nowMs: 1000, random: 0 })).toMatchObject({ state: down, dueMs: Infinity });
});

test('a peer in demand mode gets packets only while there is something to poll', () => {
  const polling = take(inState(up), packet(up, { demand: true }));
  expect(transmitIntervalMs(polling)).toBe(60);
  const confirmed = take(polling, packet(up, { demand: true, final: true }));
  expect(transmitIntervalMs(confirmed)).toBe(Infinity);
  expect(transmitIntervalMs(take(confirmed, packet(up)))).toBe(60);
});

test('shut down: the peer is told why, and nothing it says changes that', () => {
  const session = shutDown(inState(up), { nowMs: 50, random: 0 });
  expect(packetToSend(session, false)).toMatchObject({
    state: adminDown,
    diagnostic: 7,
    yourDiscriminator: 9,
    poll: false,
  });
  for (const state of [adminDown, down, init, up]) {
    const heard = receivePacket(session, packet(state, { poll: true }), { nowMs: 60, random: 0 });
    expect(heard.session.state).toBe(adminDown);
    expect(heard.answer).toBeUndefined();
  }
  expect(expire(session, { nowMs: 1e6, random: 0 })).toMatchObject({ state: adminDown, diagnostic: 7 });
});

test('whatever is heard, the next packet is due where one is to be sent, and only there', () => {
  const heard = fc.record({
    state: fc.constantFrom(adminDown, down, init, up),
    poll: fc.boolean(),
    final: fc.boolean(),
    demand: fc.boolean(),
    requiredMinRxUs: fc.constantFrom(0, 1, 60_000, 2 ** 32 - 1),
    waitMs: fc.integer({ min: 0, max: 2000 }),
  });
  fc.assert(
    fc.property(fc.boolean(), fc.array(heard, { maxLength: 20 }), (passive, all) => {
      let [session, nowMs] = [start({ passive }), 0];
      for (const { waitMs, ...more } of all) {
        nowMs += waitMs;
        session = expire(session, { nowMs, random: 0.5 });
        expect(session.dueMs === Infinity).toBe(transmitIntervalMs(session) === Infinity);
        session = receivePacket(session, packet(more.state, more), { nowMs, random: 0.5 }).session;
        expect(session.dueMs === Infinity).toBe(transmitIntervalMs(session) === Infinity);
        expect(deadlineMs(session)).toBeGreaterThan(nowMs);
      }
    }),
  );
});

test('two sessions come up whatever is lost on the way, and agree on their timers', () => {
  const losses = fc.array(fc.boolean(), { maxLength: 40 });
  const milliseconds = fc.integer({ min: 10, max: 900 });
  const side = fc.record({
    minTxMs: milliseconds,
    minRxMs: milliseconds,
    idleTxMs: fc.constant(1000),
    multiplier: fc.integer({ min: 1, max: 10 }),
    passive: fc.constant(false),
  });
  fc.assert(
    fc.property(
      side,
      fc.record({ other: side, passive: fc.boolean() }),
      losses,
      (one, { other, passive }, lost) => {
        const ends = simulate([one, { ...other, passive }], lost);
        for (const [index, end] of ends.entries()) {
          expect(end.state).toBe(up);
          expect(end.polling).toBe(false);
          const [own, peer] = index === 0 ? [one, other] : [other, one];
          expect(transmitIntervalMs(end)).toBe(Math.max(own.minTxMs, peer.minRxMs));
          expect(deadlineMs(end) - end.heardMs).toBe(peer.multiplier * Math.max(peer.minTxMs, own.minRxMs));
        }
      },
    ),
  );
});

/** Both ends of a cable that loses the first packets as `lost` says, for two minutes. */
function simulate(sides: readonly [BfdParameters, BfdParameters], lost: readonly boolean[]): BfdSession[] {
  const ends = sides.map((side, index) => startSession(side, index + 1, 0));
  let packetsSent = 0;
  let nowMs = 0;
  const moment = (): { nowMs: number; random: number } => ({ nowMs, random: (packetsSent * 0.618) % 1 });
  const end = (index: number): BfdSession => ends[index] as BfdSession;
  const send = (from: number, final: boolean): void => {
    const message = packetToSend(end(from), final);
    ends[from] = afterSending(end(from), moment());
    if (lost[packetsSent++] === true) return;
    const { session, answer } = receivePacket(end(1 - from), message, moment());
    ends[1 - from] = session;
    if (answer !== undefined) send(1 - from, answer === 'final');
  };
  for (;;) {
    nowMs = Math.min(...ends.flatMap((each) => [each.dueMs, deadlineMs(each)]));
    if (nowMs > 120_000) return ends;
    for (const index of [0, 1]) {
      ends[index] = expire(end(index), moment());
      if (end(index).dueMs <= nowMs) send(index, false);
    }
  }
}
