import type { StateTableInput } from '../states.ts';
import { VIP } from './scenario-input.ts';

const TCP_PACKETS = ['SYN', 'ACK', 'FIN|ACK', 'RST', 'SYN|ACK', 'PSH|ACK'];
const SCTP_PACKETS = [
  'INIT',
  'INIT ACK',
  'COOKIE ECHO',
  'COOKIE ACK',
  'DATA',
  'SHUTDOWN',
  'SHUTDOWN ACK',
  'SHUTDOWN COMPLETE',
  'ABORT',
  'ERROR',
];

export const STATES_DESCRIPTION = 'What a connection is after each sequence of packets from the client';

export const STATE_TABLES: readonly StateTableInput[] = [
  { name: 'tcp', service: service('tcp'), packets: TCP_PACKETS },
  { name: 'tcp, sloppy_tcp 1', service: service('tcp'), packets: TCP_PACKETS, sysctls: { sloppy_tcp: 1 } },
  {
    name: 'tcp, --set 100 20 30',
    service: service('tcp'),
    packets: ['SYN', 'ACK', 'FIN|ACK', 'RST'],
    timeouts: [100, 20, 30],
  },
  {
    name: 'tcp, conn_reuse_mode 2',
    service: service('tcp'),
    packets: TCP_PACKETS,
    sysctls: { conn_reuse_mode: 2 },
  },
  { name: 'udp', service: service('udp'), packets: ['UDP'] },
  { name: 'udp, --set 100 20 30', service: service('udp'), packets: ['UDP'], timeouts: [100, 20, 30] },
  { name: 'sctp', service: service('sctp'), packets: SCTP_PACKETS },
];

function service(protocol: 'tcp' | 'udp' | 'sctp'): StateTableInput['service'] {
  return { protocol, vip: VIP, port: 80, scheduler: 'rr' };
}
