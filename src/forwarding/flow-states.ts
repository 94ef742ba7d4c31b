// The names of the states that a remembered flow can be in.

/**
 * Names of flow states. They are IPVS's names where IPVS has the state; TEMPLATE and ASSURED belong to persistence templates.
 */
export const FLOW_STATES = [
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'TIME_WAIT',
  'CLOSE',
  'UDP',
  'INIT1',
  'INIT',
  'COOKIE_ECHOED',
  'SHUTDOWN',
  'CLOSED',
  'TEMPLATE',
  'ASSURED',
] as const;

export type FlowStateName = (typeof FLOW_STATES)[number];
