// What an attempt that passed has heard, where the probe itself says nothing.
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

/** What an attempt that passed has heard from the server, where the probe itself has nothing more exact to say. */
export function passedWords(type: CheckType): string {
  return WORDS[type];
}
