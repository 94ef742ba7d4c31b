// The numbers that flow states have in IPVS's synchronisation protocol.
import type { FlowStateName } from '../forwarding/flow-states.ts';
import type { TransportProtocol } from '../forwarding/forwarding-table.ts';

type States = Readonly<Record<number, FlowStateName>>;

/** The states of the kernel by protocol, from `enum` in include/net/ip_vs.h. Those left out, such as NONE, are of no flow. */
const OF_KERNEL: Readonly<Record<TransportProtocol, States>> = {
  tcp: {
    1: 'ESTABLISHED',
    2: 'SYN_RECV',
    3: 'SYN_RECV',
    4: 'FIN_WAIT',
    5: 'TIME_WAIT',
    6: 'CLOSE',
    7: 'FIN_WAIT',
    8: 'TIME_WAIT',
    10: 'SYN_RECV',
  },
  udp: { 0: 'UDP' },
  sctp: {
    1: 'INIT1',
    2: 'INIT',
    3: 'INIT',
    4: 'INIT',
    5: 'INIT',
    6: 'INIT',
    7: 'COOKIE_ECHOED',
    8: 'ESTABLISHED',
    9: 'SHUTDOWN',
    10: 'SHUTDOWN',
    11: 'SHUTDOWN',
    12: 'CLOSED',
    13: 'CLOSED',
  },
};

const TO_KERNEL: Readonly<Record<TransportProtocol, Readonly<Partial<Record<FlowStateName, number>>>>> = {
  tcp: { ESTABLISHED: 1, SYN_RECV: 3, FIN_WAIT: 4, TIME_WAIT: 5, CLOSE: 6 },
  udp: { UDP: 0 },
  sctp: { INIT1: 1, INIT: 2, COOKIE_ECHOED: 7, ESTABLISHED: 8, SHUTDOWN: 9, CLOSED: 13 },
};

const ASSURED = 1;

/** Returns the state with this number; undefined for a number that no flow can have. */
export function flowStateOf(protocol: TransportProtocol, state: number): FlowStateName | undefined {
  return OF_KERNEL[protocol][state];
}

export function templateStateOf(state: number): FlowStateName {
  return state === ASSURED ? 'ASSURED' : 'TEMPLATE';
}

/** Returns the number of a state: of a template's, too; undefined for a state that the protocol has not. */
export function kernelStateOf(protocol: TransportProtocol, state: FlowStateName): number | undefined {
  if (state === 'TEMPLATE') return 0;
  return state === 'ASSURED' ? ASSURED : TO_KERNEL[protocol][state];
}
