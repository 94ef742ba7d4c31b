import { setTimeout as sleep } from 'node:timers/promises';
import type { Action, GoldenReal, Observation, Outcome } from '../../../golden/ipvs/golden.ts';
import { toHex } from '../../../golden/ipvs/hex.ts';
import { packetsOf } from '../../../golden/ipvs/packets.ts';
import { withoutChance } from './chance.ts';
import { changeRule, setUpRules, tearDownRules } from './ipvsadm.ts';
import type { IpvsNetwork } from './network.ts';
import { connectionsOf, connectionText, countsOf } from './observe.ts';
import type { ScenarioInput } from './scenarios/scenario-input.ts';
import { whereTo } from './whereto.ts';

/** What a director is like before a scenario begins. */
const DEFAULT_SYSCTLS = {
  expire_nodest_conn: 0,
  expire_quiescent_template: 0,
  conn_reuse_mode: 1,
  sloppy_tcp: 0,
  sloppy_sctp: 0,
  pmtu_disc: 1,
  schedule_icmp: 0,
} as const;
const DEFAULT_TIMEOUTS = [900, 120, 300] as const;
/** A timer shows its full seconds only within the tick in which it is set: a look behind that gives the same each time. */
const PAST_A_JIFFY_MS = 12;
const EMPTY_LIMIT_MS = 20_000;

/**
 * Plays a scenario's steps on a fresh director, and hands over what came of each; undefined when this kernel lacks the
 * scheduler.
 */
export async function play(
  network: IpvsNetwork,
  scenario: ScenarioInput,
): Promise<readonly Outcome[] | undefined> {
  const reals = [...scenario.reals];
  const { service } = scenario;
  if (!network.hasScheduler(service.scheduler)) return undefined;
  setSysctls(network, { ...DEFAULT_SYSCTLS, ...scenario.sysctls });
  network.setTimeouts(scenario.timeouts ?? DEFAULT_TIMEOUTS);
  if (service.mark !== undefined) network.run(['nft', '-f', '-'], markRules(scenario));
  try {
    restore(network, setUpRules(scenario));
    const outcomes: Outcome[] = [];
    for (const step of scenario.steps) outcomes.push(await playStep({ network, scenario, reals }, step));
    return outcomes;
  } finally {
    await clear(network, scenario, reals);
  }
}

interface Stage {
  readonly network: IpvsNetwork;
  readonly scenario: ScenarioInput;
  /** Every real that there has been, as it is now. */
  readonly reals: GoldenReal[];
}

async function playStep(stage: Stage, step: Action): Promise<Outcome> {
  const { network, scenario, reals } = stage;
  const sent = packetsOf(scenario, step);
  const left = sent.length > 0 ? await network.exchange(sent) : [];
  if ('change' in step) {
    restore(network, [changeRule(step.change, scenario.service, reals)]);
    if ('add' in step.change) remember(reals, step.change.add);
  }
  if ('sysctls' in step) setSysctls(network, step.sysctls);
  if ('waitMs' in step) await sleep(step.waitMs);
  if (scenario.observe.includes('connections')) await sleep(PAST_A_JIFFY_MS);
  return {
    ...(sent.length > 0 && !scenario.observe.includes('bytes') ? { to: whereTo(sent, left, reals) } : {}),
    ...observed(stage, left),
  };
}

function observed({ network, scenario, reals }: Stage, left: readonly Uint8Array[]): Outcome {
  const sees = (what: Observation): boolean => scenario.observe.includes(what);
  return {
    ...(sees('bytes') ? { left: left.map((packet) => toHex(withoutChance(packet))) } : {}),
    ...(sees('connections')
      ? { connections: connectionsOf(network.read('ip_vs_conn'), reals).map(connectionText) }
      : {}),
    ...(sees('counts') ? { counts: countsOf(network.read('ip_vs'), reals) } : {}),
  };
}

function remember(reals: GoldenReal[], real: GoldenReal): void {
  if (!reals.some(({ name }) => name === real.name)) reals.push(real);
}

/** Connections to reals that are gone end at once with expire_nodest_conn, from when a real is removed. */
async function clear(
  network: IpvsNetwork,
  { service }: ScenarioInput,
  reals: readonly GoldenReal[],
): Promise<void> {
  setSysctls(network, { expire_nodest_conn: 1 });
  const present = countsOf(network.read('ip_vs'), reals);
  restore(
    network,
    tearDownRules(
      service,
      reals.filter(({ name }) => name in present),
    ),
  );
  if (service.mark !== undefined) network.run(['nft', 'flush', 'ruleset']);
  const deadline = Date.now() + EMPTY_LIMIT_MS;
  while (connectionsOf(network.read('ip_vs_conn'), reals).length > 0) {
    if (Date.now() > deadline) throw new Error(`connections stay:\n${network.read('ip_vs_conn')}`);
    await sleep(5);
  }
}

function restore(network: IpvsNetwork, rules: readonly string[]): void {
  network.run(['ipvsadm', '-R'], `${rules.join('\n')}\n`);
}

function setSysctls(network: IpvsNetwork, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) network.setSysctl(`net/ipv4/vs/${name}`, `${value}`);
}

function markRules({ service, flows }: ScenarioInput): string {
  const family = service.vip.includes(':') ? 'ip6' : 'ip';
  const addresses = flows?.vipCount === undefined ? service.vip : '192.0.2.0/24';
  const ports = service.port === 0 ? '' : `${service.protocol} dport ${service.port} `;
  return [
    `add table ${family} marks`,
    `add chain ${family} marks input { type filter hook prerouting priority mangle; }`,
    `add rule ${family} marks input ${family} daddr ${addresses} ${ports}meta mark set ${service.mark}`,
    '',
  ].join('\n');
}
