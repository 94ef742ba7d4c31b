// The list of all commands, each with a summary and how its file is loaded.
import type { CommandModule } from './command-module.ts';

export interface CommandEntry {
  readonly summary: string;
  /** Loads the file of the command. Only the file of the command that is called is loaded, for a quick start. */
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order in which `culvert --help` shows them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: { summary: 'run a director', load: () => import('./commands/operate/run.ts') },
  check: { summary: 'validate a configuration file', load: () => import('./commands/change/check.ts') },
  import: {
    summary: "print a keepalived.conf as culvert's YAML",
    load: () => import('./commands/change/import.ts'),
  },
  config: {
    summary: 'print the JSON Schema of the configuration file',
    load: () => import('./commands/look/config.ts'),
  },
  ipvsadm: {
    summary: 'run ipvsadm commands against a running director',
    load: () => import('./commands/operate/ipvsadm.ts'),
  },
  reload: {
    summary: 'apply an edited configuration file',
    load: () => import('./commands/change/reload.ts'),
  },
  diff: {
    summary: 'show what a configuration file would change',
    load: () => import('./commands/change/diff.ts'),
  },
  apply: {
    summary: 'apply a configuration file, optionally with automatic rollback',
    load: () => import('./commands/change/apply.ts'),
  },
  confirm: {
    summary: 'keep a configuration applied with --confirm',
    load: () => import('./commands/change/confirm.ts'),
  },
  revert: {
    summary: 'roll back a configuration applied with --confirm',
    load: () => import('./commands/change/revert.ts'),
  },
  services: { summary: 'list services', load: () => import('./commands/look/services.ts') },
  reals: {
    summary: 'list real servers with weight and health',
    load: () => import('./commands/look/reals.ts'),
  },
  stats: { summary: 'show counters', load: () => import('./commands/look/stats.ts') },
  flows: { summary: 'list remembered flows', load: () => import('./commands/look/flows.ts') },
  events: {
    summary: 'show the events of a running director',
    load: () => import('./commands/look/events.ts'),
  },
  explain: {
    summary: 'explain what happens to a packet, and why',
    load: () => import('./commands/look/explain.ts'),
  },
  drain: { summary: 'stop sending new flows to a real', load: () => import('./commands/operate/drain.ts') },
  undrain: { summary: 'end the drain of a real', load: () => import('./commands/operate/undrain.ts') },
  weight: { summary: 'override the weight of a real', load: () => import('./commands/operate/weight.ts') },
  down: { summary: 'end forwarding and remove everything', load: () => import('./commands/operate/down.ts') },
  realserver: {
    summary: 'set up, verify or restore a real server',
    load: () => import('./commands/operate/realserver.ts'),
  },
  lab: {
    summary: 'demonstrate load balancing on this machine',
    load: () => import('./commands/operate/lab.ts'),
  },
};
