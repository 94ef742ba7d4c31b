// Translates the flags of schedulers, by name and by number.
import type { Findings } from '../text/place.ts';
import { keywordOf, placeOf, type Statement } from '../text/statement.ts';
import type { Origins } from '../values/origins.ts';
import { IGNORED, originOf } from '../values/read-values.ts';

/** Flags of schedulers by their names; IPVS has three by number, and each scheduler its own use for them. */
export const FLAG_NAMES = [
  'flag-1',
  'flag-2',
  'flag-3',
  'sh-port',
  'sh-fallback',
  'mh-port',
  'mh-fallback',
] as const;

interface FlagContext {
  readonly flags: ReadonlyMap<string, Statement>;
  readonly scheduler: string;
  /** The path of the service. */
  readonly path: readonly (string | number)[];
  readonly findings: Findings;
  readonly origins: Origins;
}

/** culvert's options for the flags of a virtual server. */
export function plainFlags(context: FlagContext): Readonly<Record<string, unknown>> {
  tellForeign(context);
  if (context.scheduler === 'mh') return mhFlags(context);
  return context.scheduler === 'sh' ? shFlags(context) : {};
}

/** IPVS hashes the client's address alone unless a flag adds the port. culvert's mh falls back by itself. */
function mhFlags({ flags, path, origins }: FlagContext): { hashOn: 'flow' | 'source' } {
  const port = flags.get('mh-port') ?? flags.get('flag-2');
  if (port !== undefined) origins.set([...path, 'hashOn'], originOf(port));
  return { hashOn: port === undefined ? 'source' : 'flow' };
}

function shFlags({ flags, path, origins }: FlagContext): { schedulerFlags?: string[] } {
  const port = flags.get('sh-port') ?? flags.get('flag-2');
  const fallback = flags.get('sh-fallback') ?? flags.get('flag-1');
  const any = port ?? fallback;
  if (any === undefined) return {};
  origins.set([...path, 'schedulerFlags'], originOf(any));
  return {
    schedulerFlags: [
      ...(port === undefined ? [] : ['sh-port']),
      ...(fallback === undefined ? [] : ['sh-fallback']),
    ],
  };
}

/** IPVS gives a flag to any scheduler, but only mh and sh have a use for one. */
function tellForeign({ flags, scheduler, findings }: FlagContext): void {
  for (const [name, statement] of flags) {
    const numbered = name.startsWith('flag-');
    if (numbered ? scheduler === 'mh' || scheduler === 'sh' : name.startsWith(`${scheduler}-`)) continue;
    findings.warn(placeOf(statement), `${name} is not used: the scheduler ${scheduler} has no such flag`);
  }
}

/** keepalived takes flags of sh and mh only behind their scheduler (lbflags_handler()). */
export function readFlag(
  statement: Statement,
  { flags, scheduler }: { flags: Map<string, Statement>; scheduler: string | undefined },
  findings: Findings,
): void {
  const name = keywordOf(statement);
  if (name.startsWith('flag-') || name.startsWith(`${scheduler}-`)) flags.set(name, statement);
  else if (scheduler === 'sh' || scheduler === 'mh')
    findings.warn(placeOf(statement), `${name} is not used: the scheduler is ${scheduler}`);
  else
    findings.complain(
      placeOf(statement),
      `${name}: lvs_sched ${name.slice(0, 2)} must come before it; ${IGNORED}`,
    );
}
