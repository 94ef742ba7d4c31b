import type { CommandModule } from './context.ts';

export interface CommandEntry {
  readonly summary: string;
  /** Loads the file of the command. Only the file of the command that is called is loaded, for a quick start. */
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
    summary: 'run ipvsadm commands against a running director',
    load: () => import('./commands/ipvsadm.ts'),
  },
  reload: { summary: 'apply an edited configuration file', load: () => import('./commands/reload.ts') },
  diff: { summary: 'show what a configuration file would change', load: () => import('./commands/diff.ts') },
  apply: {
    summary: 'apply a configuration file, optionally with automatic rollback',
    load: () => import('./commands/apply.ts'),
  },
  confirm: {
    summary: 'keep a configuration applied with --confirm',
    load: () => import('./commands/confirm.ts'),
  },
  revert: {
    summary: 'roll back a configuration applied with --confirm',
    load: () => import('./commands/revert.ts'),
  },
  services: { summary: 'list services', load: () => import('./commands/services.ts') },
  reals: { summary: 'list real servers with weight and health', load: () => import('./commands/reals.ts') },
  stats: { summary: 'show counters', load: () => import('./commands/stats.ts') },
  flows: { summary: 'list remembered flows', load: () => import('./commands/flows.ts') },
  events: { summary: 'show the events of a running director', load: () => import('./commands/events.ts') },
  explain: {
    summary: 'explain what happens to a packet, and why',
    load: () => import('./commands/explain.ts'),
  },
  drain: { summary: 'stop sending new flows to a real', load: () => import('./commands/drain.ts') },
  undrain: { summary: 'end the drain of a real', load: () => import('./commands/undrain.ts') },
  weight: { summary: 'override the weight of a real', load: () => import('./commands/weight.ts') },
  down: { summary: 'end forwarding and remove everything', load: () => import('./commands/down.ts') },
  realserver: {
    summary: 'set up, verify or restore a real server',
    load: () => import('./commands/realserver.ts'),
  },
  lab: { summary: 'demonstrate load balancing on this machine', load: () => import('./commands/lab.ts') },
};
