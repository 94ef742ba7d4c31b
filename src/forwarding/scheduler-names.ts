// The names of all schedulers.

/** Every scheduler, the default one first. */
export const SCHEDULER_NAMES = [
  'mh',
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'twos',
] as const;
