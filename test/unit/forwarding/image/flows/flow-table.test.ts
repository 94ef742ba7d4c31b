import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldIpv6 } from '../../../../../src/forwarding/hashing/flow-hash.ts';
import { expireFlows, scanFlows, startExpiry } from '../../../../../src/forwarding/image/flows/flow-scan.ts';
import {
  firstFlowState,
  isActive,
  isTemplate,
  nextFlowState,
  opensFlow,
} from '../../../../../src/forwarding/image/flows/flow-state.ts';
import {
  type FlowHit,
  type FlowKey,
  FlowTable,
} from '../../../../../src/forwarding/image/flows/flow-table.ts';
import { timeoutTicks } from '../../../../../src/forwarding/image/flows/flow-timeouts.ts';
import {
  FLOW_BUSY,
  FLOW_SPENT_TICKS,
  FLOW_STATE,
  type FlowState,
} from '../../../../../src/forwarding/image/tables/layout.ts';
import { ip } from '../../../../../src/net/address/ip-address.ts';
import type { Ipv6Address } from '../../../../../src/net/address/ipv6-address.ts';
import { flowMemory, flowsOf, SHORT_TIMEOUTS } from '../tables.ts';

const HASH_KEY = Uint32Array.of(1, 2, 3, 4);
const { synRecv, established, finWait, close, udp, timeWait, template, assuredTemplate } = FLOW_STATE;
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

/** One set, so that all flows meet in it. */
function oneSet(): FlowTable {
  return new FlowTable(flowMemory(1), HASH_KEY);
}
const flowKey = (table: FlowTable, number: number): FlowKey =>
  table.keyOf({ client: 0xc633_6400 + number, clientPort: 40_000, serviceIndex: 7 });

/** Fills the set with these states, seen at ticks 10, 11, 12 and 13; real = way + 1. */
function filled(states: readonly number[]): FlowTable {
  const table = oneSet();
  states.forEach((state, way) => {
    table.insert(flowKey(table, way), { real: way + 1, state, nowTick: 10 + way });
  });
  return table;
}

/** Ways whose flows are still found. */
function survivors(table: FlowTable): number[] {
  return [0, 1, 2, 3].filter(
    (way) => table.find(flowKey(table, way)) ?? table.findTemplate(flowKey(table, way)),
  );
}

describe('flow states', () => {
  it.each([
    ['SYN', SYN, true],
    ['SYN and ACK', SYN | ACK, true],
    ['SYN and RST', SYN | RST, false],
    ['ACK', ACK, false],
  ])('%s opens a flow: %s', (_, flags, opens) => {
    expect(opensFlow({ tcpFlags: flags })).toBe(opens);
  });

  it.each([
    [SYN, synRecv],
    [SYN | FIN, synRecv],
    [FIN | ACK, finWait],
    [ACK, established],
    [0, established],
    [RST, FLOW_STATE.none],
    [RST | ACK, FLOW_STATE.none],
    [undefined, udp],
  ])('flags %s are first remembered as state %i', (flags, state) => {
    expect(firstFlowState({ tcpFlags: flags })).toBe(state);
  });

  it.each([
    {
      flags: ACK,
      from: [synRecv, established, finWait, close],
      to: [established, established, finWait, close],
    },
    {
      flags: SYN,
      from: [synRecv, established, finWait, close],
      to: [synRecv, established, synRecv, synRecv],
    },
    {
      flags: FIN | ACK,
      from: [synRecv, established, finWait, close, timeWait],
      to: [timeWait, finWait, finWait, close, timeWait],
    },
    { flags: RST, from: [synRecv, established, finWait, close], to: [close, close, close, close] },
    { flags: 0, from: [synRecv, established, finWait, close], to: [synRecv, established, finWait, close] },
  ])('flags $flags take $from to $to', ({ flags, from, to }) => {
    expect(from.map((state) => nextFlowState(state, { tcpFlags: flags }))).toEqual(to);
  });
});

describe('flow table', () => {
  it('finds what was remembered, under its own key only', () => {
    const client = fc.integer({ min: 0, max: 0xffff_ffff });
    const port = fc.integer({ min: 0, max: 0xffff });
    const index = fc.integer({ min: 1, max: 16_383 });
    fc.assert(
      fc.property(fc.tuple(client, port, index), fc.tuple(client, port, index), (one, other) => {
        const keyIn = (table: FlowTable, [word, clientPort, serviceIndex]: typeof one): FlowKey =>
          table.keyOf({ client: word, clientPort, serviceIndex });
        const table = new FlowTable(flowMemory(16), HASH_KEY);
        table.insert(keyIn(table, one), { real: 5, state: established, nowTick: 0xffff_ffff });
        expect(table.find(keyIn(table, one))).toMatchObject({ real: 5, state: established });
        const same = one.every((part, i) => part === other[i]);
        expect(table.find(keyIn(table, other)) !== undefined).toBe(same);
        const scan = { scanFlows: scanFlows.bind(undefined, table) };
        expect(flowsOf(scan, 3)).toMatchObject([
          {
            client: one[0],
            clientPort: one[1],
            serviceIndex: one[2],
            real: 5,
            state: established,
            idleTicks: 4,
          },
        ]);
      }),
    );
  });

  it('writes a touch only when the tick or the state is new', () => {
    const table = filled([synRecv]);
    const hit = table.find(flowKey(table, 0));
    if (!hit) throw new Error('not found');
    const before = table.words[1];
    table.touch(hit, synRecv, 10);
    expect(table.words[1]).toBe(before);
    table.touch(hit, established, 10);
    expect(table.find(flowKey(table, 0))?.state).toBe(established);
  });

  it('gives an update up when another writer came first', () => {
    const table = filled([synRecv]);
    const hit = table.find(flowKey(table, 0));
    if (!hit) throw new Error('not found');
    expect(table.replace(hit, { real: 2, state: established, nowTick: 11 })).toBe(true);
    expect(table.replace(hit, { real: 3, state: established, nowTick: 11 })).toBe(false);
    expect(table.find(flowKey(table, 0))?.real).toBe(2);
  });

  it.each([
    { newcomer: synRecv, set: [established, synRecv, synRecv, finWait], leaves: [0, 2, 3] },
    { newcomer: synRecv, set: [established, synRecv, close, finWait], leaves: [0, 1, 3] },
    { newcomer: synRecv, set: [udp, established, synRecv, synRecv], leaves: [0, 1, 3] },
    { newcomer: synRecv, set: [established, udp, finWait, established], leaves: [0, 2, 3] },
    { newcomer: synRecv, set: [established, finWait, finWait, established], leaves: [0, 1, 2, 3] },
    { newcomer: udp, set: [synRecv, udp, udp, established], leaves: [0, 2, 3] },
    { newcomer: udp, set: [established, synRecv, finWait, established], leaves: [0, 2, 3] },
    { newcomer: udp, set: [established, established, finWait, established], leaves: [0, 1, 2, 3] },
    { newcomer: finWait, set: [established, established, finWait, established], leaves: [0, 1, 3] },
    { newcomer: finWait, set: [established, established, established, established], leaves: [0, 1, 2, 3] },
    { newcomer: synRecv, set: [synRecv, timeWait, synRecv, established], leaves: [1, 2, 3] },
    { newcomer: synRecv, set: [template, template, assuredTemplate, finWait], leaves: [0, 1, 2, 3] },
    { newcomer: template, set: [synRecv, template, assuredTemplate, finWait], leaves: [0, 2, 3] },
    { newcomer: template, set: [synRecv, established, assuredTemplate, finWait], leaves: [1, 2, 3] },
    {
      newcomer: template,
      set: [assuredTemplate, established, assuredTemplate, finWait],
      leaves: [0, 1, 2, 3],
    },
    {
      newcomer: established,
      set: [assuredTemplate, assuredTemplate, template, established],
      leaves: [0, 1, 3],
    },
    { newcomer: established, set: [established, finWait, udp, established], leaves: [0, 1, 3] },
    { newcomer: established, set: [established, established, established, established], leaves: [1, 2, 3] },
  ])('a newcomer in state $newcomer leaves ways $leaves of $set', ({ newcomer, set, leaves }) => {
    const table = filled(set);
    const kept = table.insert(flowKey(table, 9), { real: 9, state: newcomer, nowTick: 20 });
    expect(survivors(table)).toEqual(leaves);
    expect(kept).toBe(leaves.length < 4);
    expect((table.find(flowKey(table, 9)) ?? table.findTemplate(flowKey(table, 9)))?.real).toBe(
      kept ? 9 : undefined,
    );
  });

  it('tells a template from a flow with the same key', () => {
    const table = oneSet();
    const key = table.keyOf({ client: 0xc633_6401, clientPort: 0, serviceIndex: 7 });
    table.insert(key, { real: 1, state: template, nowTick: 1 });
    expect(table.find(key)).toBeUndefined();
    table.insert(key, { real: 2, state: synRecv, nowTick: 1 });
    expect([table.find(key)?.real, table.findTemplate(key)?.real]).toEqual([2, 1]);
  });

  it.each([
    ['in a free way', [], true],
    ['that pushes a half-open flow out', [synRecv, synRecv, synRecv, synRecv], false],
  ] as const)("holds an IPv6 client's address beside its entry %s", (_, states, atOnce) => {
    const table = filled(states);
    const client = ip('2001:db8::1:2') as Ipv6Address;
    const word = foldIpv6(client, HASH_KEY);
    const flow = table.keyOf({ client: word, clientPort: 4, serviceIndex: 7 });
    table.insert(flow, { real: 1, state: synRecv, nowTick: 20 }, client);
    const hit = table.find(flow) as FlowHit;
    expect(table.clientOf(hit.at, word)).toBe(atOnce ? client : undefined);
    table.touch(hit, established, 20, client);
    expect(table.clientOf(hit.at, word)).toBe(client);
    expect(table.clientOf(hit.at, word + 1), "another flow's").toBeUndefined();
  });

  it('keeps count of the flows of each real, whatever becomes of them', () => {
    const action = fc.record({
      flow: fc.nat(12),
      real: fc.integer({ min: 1, max: 3 }),
      state: fc.integer({ min: 1, max: 14 }),
      how: fc.constantFrom('insert', 'replace', 'touch', 'free'),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
        const table = oneSet();
        actions.forEach(({ flow, real, state, how }, nowTick) => {
          const key = flowKey(table, flow);
          const hit = table.find(key);
          if (hit === undefined) table.insert(key, { real, state, nowTick });
          else if (how === 'touch') table.touch(hit, state, nowTick);
          else if (how === 'free') table.exchange(hit.at, hit.value, 0n);
          else table.replace(hit, { real, state, nowTick });
        });
        const live = flowsOf({ scanFlows: scanFlows.bind(undefined, table) }, 0);
        for (const real of [1, 2, 3]) {
          const states = live.filter((flow) => flow.real === real).map(({ state }) => state);
          expect(table.counts.active(real)).toBe(states.filter(isActive).length);
          expect(table.counts.inactive(real)).toBe(
            states.filter((state) => !isActive(state) && !isTemplate(state)).length,
          );
        }
      }),
    );
  });

  it('takes the oldest by the tick even where the tick has wrapped round', () => {
    const table = oneSet();
    [0xffff_fff0, 5, 0xffff_ffe0, 1].forEach((nowTick, way) => {
      table.insert(flowKey(table, way), { real: 1, state: synRecv, nowTick });
    });
    table.insert(flowKey(table, 9), { real: 9, state: synRecv, nowTick: 10 });
    expect(survivors(table)).toEqual([0, 1, 3]);
  });

  it('lets no flood of openers or datagrams push out established and closing flows', () => {
    const table = filled([established, finWait]);
    for (let i = 10; i < 1000; i++) {
      table.insert(flowKey(table, i), { real: 9, state: i % 3 === 0 ? udp : synRecv, nowTick: i % 100 });
    }
    expect(survivors(table)).toEqual([0, 1]);
  });

  it.each([synRecv, udp, established, template])(
    'gives the way of a flow that has closed and is silent to one in state %i',
    (state) => {
      const insertAt = (nowTick: number): number[] => {
        const table = filled([established, finWait, finWait, assuredTemplate]);
        table.insert(flowKey(table, 9), { real: 9, state, nowTick });
        return survivors(table);
      };
      expect(insertAt(11 + FLOW_SPENT_TICKS - 1)).toEqual(state === established ? [0, 2, 3] : [0, 1, 2, 3]);
      expect(insertAt(11 + FLOW_SPENT_TICKS)).toEqual([0, 2, 3]);
    },
  );

  it('spares a half-open flow that is younger than one that has closed', () => {
    const table = filled([established, finWait, synRecv, established]);
    table.touch(table.find(flowKey(table, 2)) as FlowHit, synRecv, 100);
    table.insert(flowKey(table, 9), { real: 9, state: synRecv, nowTick: 11 + FLOW_SPENT_TICKS });
    expect(survivors(table)).toEqual([0, 2, 3]);
  });

  it('leaves a way alone that another writer has taken', () => {
    const table = filled([synRecv, synRecv, synRecv, synRecv]);
    table.words[1] = FLOW_BUSY;
    table.insert(flowKey(table, 9), { real: 9, state: synRecv, nowTick: 20 });
    expect(table.words[1]).toBe(FLOW_BUSY);
    expect(survivors(table)).toEqual([2, 3]);
  });
});

/** Flows of one set, of two; the first four fill it. */
function flowsOfOneSet(table: FlowTable): readonly FlowKey[] {
  const all = Array.from({ length: 200 }, (_, number) => flowKey(table, number));
  return all.filter(({ hash }) => (hash & 1) === 0);
}

function fullSet(states: readonly number[]): { table: FlowTable; flows: readonly FlowKey[] } {
  const table = new FlowTable(flowMemory(2), HASH_KEY);
  const flows = flowsOfOneSet(table);
  states.forEach((state, way) => table.insert(flows[way] as FlowKey, { real: way + 1, state, nowTick: 10 }));
  return { table, flows };
}

const insert = (table: FlowTable, flow: FlowKey | undefined, state: number): boolean =>
  table.insert(flow as FlowKey, { real: 9, state, nowTick: 20 });
const realOf = (
  table: FlowTable,
  flow: FlowKey | undefined,
  newcomer: FlowState = FLOW_STATE.none,
): number | undefined => table.find(flow as FlowKey, newcomer)?.real;
const live = (table: FlowTable, flows: readonly FlowKey[]): number =>
  flows.filter((flow) => table.find(flow)).length;

describe('the neighbour of a set', () => {
  it.each([synRecv, udp, established])('takes in a flow in state %i whose own set is full', (state) => {
    const { table, flows } = fullSet([established, established, established, established]);
    expect(insert(table, flows[4], state)).toBe(true);
    expect(realOf(table, flows[4])).toBe(9);
    expect(realOf(table, flows[4], synRecv), 'a repeated opener').toBe(9);
    expect(live(table, flows)).toBe(5);
  });

  it('takes in as many as a set has ways, and then no half-open flow is remembered', () => {
    const { table, flows } = fullSet(Array.from({ length: 8 }, () => established));
    expect(live(table, flows)).toBe(8);
    expect(insert(table, flows[8], synRecv)).toBe(false);
  });

  it('spares datagrams each other, but no half-open flows', () => {
    for (const [state, remembered] of [
      [udp, 5],
      [synRecv, 4],
    ] as const) {
      const { table, flows } = fullSet([state, state, state, state]);
      expect(insert(table, flows[4], state)).toBe(true);
      expect(live(table, flows)).toBe(remembered);
    }
  });

  it('is not looked at for a TCP opener beside a half-open flow, as in a flood', () => {
    for (const state of [close, synRecv]) {
      const { table, flows } = fullSet([established, established, established, established]);
      insert(table, flows[4], established);
      table.replace(table.find(flows[0] as FlowKey) as FlowHit, { real: 1, state, nowTick: 30 });
      expect(realOf(table, flows[4], synRecv)).toBe(state === synRecv ? undefined : 9);
      expect(realOf(table, flows[4], FLOW_STATE.sctpInit1)).toBe(9);
      expect(realOf(table, flows[4])).toBe(9);
    }
  });

  it('has the templates of a full set', () => {
    const { table, flows } = fullSet([assuredTemplate, established, established, established]);
    insert(table, flows[4], template);
    expect(table.findTemplate(flows[4] as FlowKey)?.real).toBe(9);
  });
});

const nothing = (): void => undefined;
const always = (): boolean => true;

describe('expiry', () => {
  const keepAll = {
    timeouts: timeoutTicks(SHORT_TIMEOUTS),
    keepsFlows: always,
    keepsTemplates: always,
    needsFlow: always,
  };

  it('frees each state after its own timeout and visits the rest', () => {
    const table = filled([synRecv, established, finWait, close]);
    const liveAt = (nowTick: number): number[] => {
      expireFlows(table, { ...keepAll, nowTick }, startExpiry(new Set()), nothing);
      return survivors(table);
    };
    expect(liveAt(32)).toEqual([0, 1, 2, 3]);
    expect(liveAt(33)).toEqual([0, 1, 2]);
    expect(liveAt(59)).toEqual([0, 1, 2]);
    expect(liveAt(60)).toEqual([1, 2]);
    expect(liveAt(92)).toEqual([1]);
    expect(liveAt(211)).toEqual([]);
  });

  it('frees the flows of reals that do not serve', () => {
    const table = filled([established, established, established]);
    const rules = { ...keepAll, nowTick: 15, keepsFlows: (real: number): boolean => real !== 2 };
    const visited: number[] = [];
    const result = startExpiry(new Set());
    expireFlows(table, rules, result, ({ real }) => visited.push(real));
    expect(visited).toEqual([1, 3]);
    expect(result).toMatchObject({ live: 2, expired: 1 });
  });

  it('frees a way whose writer died, at the second sweep', () => {
    const table = filled([established]);
    table.words[3] = FLOW_BUSY;
    const rules = { ...keepAll, nowTick: 15 };
    const first = startExpiry(new Set());
    expireFlows(table, rules, first, nothing);
    expect(table.words[3]).toBe(FLOW_BUSY);
    expireFlows(table, rules, startExpiry(first.busy), nothing);
    expect(table.words[3]).toBe(0n);
  });
});
