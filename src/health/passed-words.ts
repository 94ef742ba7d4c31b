// The texts of passed attempts for types whose probe returns none.
import type { CheckType } from '../contract/checks/probe-config.ts';

const WORDS: Readonly<Record<CheckType, string>> = {
  tcp: 'connected',
  ping: 'echo reply',
  http: 'answered',
  https: 'answered',
  smtp: 'mail greeting accepted',
  dns: 'answered',
  udp: 'answered',
  misc: 'exit status 0',
  file: 'read',
  bfd: 'session up',
};

/** Returns the text of a passed attempt, for probes that have nothing more exact to say. */
export function passedWords(type: CheckType): string {
  return WORDS[type];
}
