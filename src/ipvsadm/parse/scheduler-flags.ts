// Reads the flags of schedulers.
import { AdmFault } from './ipvsadm-fault.ts';

/** The kernel has three flags without a name, and what each one does is its scheduler's. */
const NUMBERED = ['flag-1', 'flag-2', 'flag-3'] as const;
const NAMED: Readonly<Record<string, readonly string[]>> = {
  sh: ['sh-fallback', 'sh-port'],
  mh: ['mh-fallback', 'mh-port'],
};

/** Reads `sh-port,sh-fallback`. @returns the scheduler's own names where it has some, in ipvsadm's order. */
export function readFlags(text: string, scheduler: string): readonly string[] {
  const wanted = new Set(
    text
      .split(',')
      .filter((flag) => flag !== '')
      .map((flag) => placeOf(flag, scheduler)),
  );
  return NUMBERED.flatMap((name, place) => (wanted.has(place) ? [NAMED[scheduler]?.[place] ?? name] : []));
}

/** Returns which of the three flags it is. */
function placeOf(flag: string, scheduler: string): number {
  const numbered = NUMBERED.indexOf(flag as (typeof NUMBERED)[number]);
  if (numbered >= 0) return numbered;
  const owner = Object.keys(NAMED).find((name) => NAMED[name]?.includes(flag));
  if (owner === undefined) throw AdmFault.options(`invalid scheduler flag \`${flag}'`);
  if (owner !== scheduler) throw AdmFault.options(`incompatible scheduler flag \`${flag}'`);
  return NAMED[owner]?.indexOf(flag) ?? 0;
}
