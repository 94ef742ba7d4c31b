import type { CommandModule } from './context.ts';

export interface CommandEntry {
  readonly summary: string;
  /** Loads the file of the command: only the one that is called is, for the sake of a quick start. */
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order in which `culvert --help` shows them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: { summary: 'run a director', load: () => import('./commands/run.ts') },
  check: { summary: 'validate a configuration file', load: () => import('./commands/check.ts') },
  import: {
    summary: "print a keepalived.conf as culvert's YAML",
    load: () => import('./commands/import.ts'),
  },
  ipvsadm: {
    summary: "take ipvsadm's commands, as they are",
    load: () => import('./commands/ipvsadm.ts'),
  },
  reload: { summary: 'apply an edited configuration file', load: () => import('./commands/reload.ts') },
  diff: { summary: 'show what a configuration file would change', load: () => import('./commands/diff.ts') },
  apply: {
    summary: 'have a configuration file hold, on trial or not',
    load: () => import('./commands/apply.ts'),
  },
  confirm: { summary: 'keep what was applied on trial', load: () => import('./commands/confirm.ts') },
  revert: { summary: 'go back from what was applied on trial', load: () => import('./commands/revert.ts') },
  services: { summary: 'list services', load: () => import('./commands/services.ts') },
  reals: { summary: 'list real servers with weight and health', load: () => import('./commands/reals.ts') },
  stats: { summary: 'show counters', load: () => import('./commands/stats.ts') },
  flows: { summary: 'list remembered flows', load: () => import('./commands/flows.ts') },
  events: { summary: 'show what happened', load: () => import('./commands/events.ts') },
  explain: { summary: 'say what becomes of a packet, and why', load: () => import('./commands/explain.ts') },
  drain: { summary: 'send a real no new flows', load: () => import('./commands/drain.ts') },
  undrain: { summary: 'give a real its configured weight back', load: () => import('./commands/undrain.ts') },
  weight: { summary: 'override the weight of a real', load: () => import('./commands/weight.ts') },
  down: { summary: 'end forwarding and remove everything', load: () => import('./commands/down.ts') },
  realserver: {
    summary: 'set up, verify or restore a real server',
    load: () => import('./commands/realserver.ts'),
  },
  lab: { summary: 'show it all on this machine', load: () => import('./commands/lab.ts') },
};
