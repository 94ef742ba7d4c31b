/** The states of flows by their names: as IPVS has them where it has them; TEMPLATE and ASSURED are those of persistence templates. */
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
