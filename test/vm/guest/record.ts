// Plays every scenario on the kernel of this guest and hands what came of it to the host:
//   node test/vm/guest/record.ts [part of a set's name]...
import { report } from '../report.ts';
import { IpvsNetwork } from './ipvs/network.ts';
import { play } from './ipvs/play.ts';
import { SETS } from './ipvs/scenarios/sets.ts';
import { STATE_TABLES, STATES_DESCRIPTION } from './ipvs/scenarios/states.ts';
import { playStates } from './ipvs/states.ts';
import { nameHosts, playAdm } from './ipvsadm/play-adm.ts';
import { ADM_SETS } from './ipvsadm/scenarios.ts';

const wanted = process.argv.slice(2);

{
  using network = await IpvsNetwork.open();
  for (const [set, { description, scenarios }] of Object.entries(SETS).filter(([name]) =>
    isWanted(`ipvs/${name}`),
  )) {
    for (const scenario of scenarios) {
      const startedAt = Date.now();
      const outcomes = await play(network, scenario);
      if (outcomes === undefined) continue;
      const steps = scenario.steps.map((step, i) => ({ ...step, ...outcomes[i] }));
      const durationMs = Date.now() - startedAt;
      report({
        kind: 'recorded',
        set: `ipvs/${set}`,
        description,
        entry: { ...scenario, steps },
        durationMs,
      });
    }
  }
  for (const table of isWanted('ipvs/states') ? STATE_TABLES : []) {
    const startedAt = Date.now();
    const after = await playStates(network, table);
    const about = { set: 'ipvs/states', description: STATES_DESCRIPTION, durationMs: Date.now() - startedAt };
    report({ kind: 'recorded', ...about, entry: { ...table, after } });
  }
}
nameHosts();
for (const [name, { description, scenarios }] of Object.entries(ADM_SETS)) {
  const set = `ipvsadm/${name}`;
  if (!isWanted(set)) continue;
  for (const [scenario, steps] of Object.entries(scenarios)) {
    const startedAt = Date.now();
    // Its connections would outlive the table.
    using network = await IpvsNetwork.open();
    const actions = steps.map((step) => (typeof step === 'string' ? { run: step } : step));
    const outcomes = await playAdm(network, actions);
    const entry = { name: scenario, steps: actions.map((action, i) => ({ ...action, ...outcomes[i] })) };
    report({ kind: 'recorded', set, description, entry, durationMs: Date.now() - startedAt });
  }
}
report({ kind: 'end' });

function isWanted(set: string): boolean {
  return wanted.length === 0 || wanted.some((part) => set.includes(part));
}
