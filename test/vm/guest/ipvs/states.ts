import type { Action, Outcome, StateTable } from '../../../golden/ipvs/golden.ts';
import type { IpvsNetwork } from './network.ts';
import { play } from './play.ts';
import type { ScenarioInput } from './scenarios/scenario-input.ts';

/** A table before it is played. */
export type StateTableInput = Omit<StateTable, 'kernels' | 'after'>;

const FIRST_PORT = 30_000;
/** What the director's own stack answers, or that it says nothing. */
const NO_CONNECTION = 'none';

/** What a connection is after each sequence of up to three packets, each sequence on a flow of its own. */
export async function playStates(
  network: IpvsNetwork,
  table: StateTableInput,
): Promise<Readonly<Record<string, string>>> {
  const after: Record<string, string> = {};
  for (const first of table.packets) Object.assign(after, await playFrom(network, table, first));
  return after;
}

/** Flow i·n + j gets the first packet, then the i-th, then the j-th of n. */
async function playFrom(
  network: IpvsNetwork,
  table: StateTableInput,
  first: string,
): Promise<Record<string, string>> {
  const { packets } = table;
  const n = packets.length;
  const flowOf = (i: number, j: number): number => i * n + j;
  const numbers = [...packets.keys()];
  const steps: Action[] = [
    { send: first, flows: `0-${n * n - 1}` },
    ...packets.map((send, i) => ({ send, flows: `${flowOf(i, 0)}-${flowOf(i, n - 1)}` })),
    ...packets.map((send, j) => ({ send, flows: numbers.map((i) => flowOf(i, j)).join(',') })),
  ];
  const outcomes = (await play(network, scenarioOf(table, steps))) ?? [];
  const [one, ...others] = outcomes as [Outcome, ...Outcome[]];
  const [two, three] = [others.slice(0, n), others.slice(n)];
  const after: Record<string, string> = { [first]: fate(one, 0, 0) };
  // Without a connection the next packet is a first one.
  if (after[first]?.endsWith(NO_CONNECTION) === true) return after;
  for (const [i, second] of packets.entries()) {
    const key = `${first}, ${second}`;
    const text = fate(two[i], 0, flowOf(i, 0));
    after[key] = text;
    if (text.endsWith(NO_CONNECTION)) continue;
    for (const [j, third] of packets.entries()) {
      after[`${key}, ${third}`] = fate(three[j], i, flowOf(i, j));
    }
  }
  return after;
}

/** `A ESTABLISHED 900`: where the packet of this place in the step went, and what its flow's connection is. */
function fate(outcome: Outcome | undefined, place: number, flow: number): string {
  const to = outcome?.to?.[place] ?? '?';
  const client = `:${FIRST_PORT + flow} `;
  const connection = outcome?.connections?.find((line) => line.includes(client));
  return `${to} ${connection?.split(' ').slice(-2).join(' ') ?? NO_CONNECTION}`;
}

function scenarioOf({ name, service, sysctls, timeouts }: StateTableInput, steps: Action[]): ScenarioInput {
  return {
    name,
    service,
    reals: [{ name: 'A', address: '10.0.1.2', weight: 1 }],
    flows: { client: '198.51.100.7', port: FIRST_PORT, portStep: 1 },
    observe: ['connections'],
    ...(sysctls === undefined ? {} : { sysctls }),
    ...(timeouts === undefined ? {} : { timeouts }),
    steps,
  };
}
