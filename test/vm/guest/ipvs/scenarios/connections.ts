import type { Action, GoldenReal } from '../../../../golden/ipvs/golden.ts';
import { CLIENT, type GoldenSet, realsOf, type ScenarioInput, syn, VIP } from './scenario-input.ts';

const FLOWS = { client: CLIENT, port: 40_000, portStep: 1 };
const [, B] = realsOf([1, 1, 1]) as [GoldenReal, GoldenReal, GoldenReal];

/** What a flow had seen when its client opens it again: three flows each. */
const PASTS: readonly (readonly string[])[] = [
  ['SYN'],
  ['SYN', 'ACK'],
  ['SYN', 'ACK', 'FIN|ACK'],
  ['SYN', 'ACK', 'FIN|ACK', 'ACK'],
  ['SYN', 'ACK', 'RST'],
];

/** First packets of flows. */
const OPENINGS = ['ACK', 'PSH|ACK', 'FIN|ACK', 'RST', 'SYN|ACK', 'SYN|FIN', 'SYN|RST', 'SYN|PSH|URG'];

export const CONNECTIONS: GoldenSet = {
  description:
    'What becomes of connections when their real loses its weight or goes, and when they are opened anew',
  scenarios: [
    scenario('weight 0', {}, [
      ...established(),
      { change: { edit: { ...B, weight: 0 } } },
      send('ACK', '0-5'),
      send('SYN', '6-9'),
      send('FIN|ACK', '0-2'),
      send('SYN', '3-5'),
    ]),
    ...[0, 1].flatMap((expire) => [
      scenario(`real removed, expire_nodest_conn ${expire}`, { expire_nodest_conn: expire }, [
        ...established(),
        { change: { remove: 'B' } },
        send('ACK', '0-5'),
        send('SYN', '6-9'),
        send('SYN', '3-5'),
        { change: { add: B } },
        send('ACK', '0-9'),
        send('SYN', '10-13'),
      ]),
      scenario(
        `real of UDP removed, expire_nodest_conn ${expire}`,
        { expire_nodest_conn: expire },
        [
          send('UDP', '0-5'),
          { change: { remove: 'B' } },
          send('UDP', '0-5'),
          { change: { add: B } },
          send('UDP', '0-7'),
        ],
        { protocol: 'udp', port: 53 },
      ),
    ]),
    ...[0, 1, 2].flatMap((mode) => PASTS.map((past) => openedAgain(mode, past))),
    ...[0, 1].map((sloppy) =>
      scenario(
        `sloppy_tcp ${sloppy}`,
        { sloppy_tcp: sloppy },
        OPENINGS.map((flags, i) => send(flags, `${2 * i}-${2 * i + 1}`)),
      ),
    ),
  ],
};

function openedAgain(mode: number, past: readonly string[]): ScenarioInput {
  return scenario(`${past.join(', ')}, then SYN, conn_reuse_mode ${mode}`, { conn_reuse_mode: mode }, [
    ...past.map((packet) => send(packet, '0-3')),
    send('SYN', '0-3'),
    { change: { edit: { ...B, weight: 0 } } },
    ...past.map((packet) => send(packet, '0-3')),
    send('SYN', '0-3'),
  ]);
}

function established(): Action[] {
  return [send('SYN', '0-5'), send('ACK', '0-5')];
}

function send(packet: string, flows: string): Action {
  return packet === 'SYN' ? syn(flows) : { send: packet, flows };
}

function scenario(
  name: string,
  sysctls: Readonly<Record<string, number>>,
  steps: readonly Action[],
  service: Partial<ScenarioInput['service']> = {},
): ScenarioInput {
  return {
    name,
    service: { protocol: 'tcp', vip: VIP, port: 80, scheduler: 'rr', ...service },
    reals: realsOf([1, 1, 1]),
    ...(Object.keys(sysctls).length === 0 ? {} : { sysctls }),
    flows: FLOWS,
    observe: ['counts', 'connections'],
    steps,
  };
}
