import type { Action, GoldenReal } from '../../../../golden/ipvs/golden.ts';
import { toHex } from '../../../../golden/ipvs/hex.ts';
import { tcpPacket } from '../raw-packet.ts';
import { CLIENT, type GoldenSet, realsOf, type ScenarioInput, syn, VIP } from './scenario-input.ts';

const PERSISTENCE = { timeoutSeconds: 300 };
/** Flow n is of client ⌊n / 4⌋. */
const FOUR_EACH = { client: CLIENT, clientStep: 1, perClient: 4, port: 40_000, portStep: 1 };
const VIP6 = '2001:db8::10';
const NOBODY = '0,4,8';

export const PERSISTENCE_SET: GoldenSet = {
  description: 'Which real the next connections of a client go to, and how long that is remembered',
  scenarios: [
    scenario('rr', {}, [syn(NOBODY), syn('1-3,5-7,9-11'), ack('0-11'), { send: 'FIN|ACK', flows: '0-11' }]),
    scenario('a new connection renews, a packet does not', {}, [
      syn(NOBODY),
      { waitMs: 2100 },
      syn('1'),
      ack('4'),
    ]),
    scenario('outlived by its connections', { service: { persistence: { timeoutSeconds: 2 } } }, [
      syn(NOBODY),
      ack(NOBODY),
      { waitMs: 3200 },
      syn('1,5,9'),
    ]),
    scenario('outlives its connections', { timeouts: [900, 1, 300] }, [
      syn('0,4'),
      ack('0,4'),
      { send: 'FIN|ACK', flows: '0,4' },
      { waitMs: 1250 },
      syn('1,5,9'),
    ]),
    scenario('over', { timeouts: [900, 1, 300], service: { persistence: { timeoutSeconds: 2 } } }, [
      syn('0,4'),
      { send: 'FIN|ACK', flows: '0,4' },
      { waitMs: 3500 },
      syn('1,5,9'),
    ]),
    scenario(
      'netmask /24',
      {
        service: { persistence: { timeoutSeconds: 300, netmask: '255.255.255.0' } },
        flows: { ...FOUR_EACH, clientStep: 100, perClient: 1 },
      },
      [syn('0-9')],
    ),
    scenario('port 0: all ports of the address', { service: { port: 0 } }, [
      { ...syn(NOBODY), port: 80 },
      { ...syn('1,5,9'), port: 443 },
      { ...syn('2,6,10'), port: 8080 },
    ]),
    scenario('a mark: a group of ports', { service: { port: 0, mark: 1 } }, severalPorts()),
    scenario(
      'a mark that is not persistent',
      { service: { port: 0, mark: 1 }, persistent: false },
      severalPorts(),
    ),
    scenario('a service of one port beside another port', {}, [
      { ...syn(NOBODY), port: 80 },
      { ...syn('1,5,9'), port: 443 },
    ]),
    ...[0, 1].flatMap((expire) => [
      scenario(
        `weight 0, expire_quiescent_template ${expire}`,
        {
          sysctls: { expire_quiescent_template: expire },
        },
        [syn(NOBODY), ack(NOBODY), { change: { edit: { ...real('C'), weight: 0 } } }, ...again()],
      ),
      scenario(`real removed, expire_nodest_conn ${expire}`, { sysctls: { expire_nodest_conn: expire } }, [
        syn(NOBODY),
        ack(NOBODY),
        { change: { remove: 'C' } },
        ...again(),
        { change: { add: real('C') } },
        ack('0,1,2'),
        syn('3,7,11'),
      ]),
      scenario(
        `real full, expire_quiescent_template ${expire}`,
        {
          sysctls: { expire_quiescent_template: expire },
          limits: { upper: 2 },
        },
        [syn(NOBODY), syn('1,5,9'), syn('2,6,10'), syn('3,7,11')],
      ),
    ]),
    scenario('udp', { service: { protocol: 'udp', port: 53 } }, [udp(NOBODY), udp('1,5,9'), udp(NOBODY)]),
    scenario('udp, one packet', { service: { protocol: 'udp', port: 53, onePacket: true } }, [
      udp(NOBODY),
      udp('1,5,9'),
      udp(NOBODY),
    ]),
    scenario(
      'udp, one packet, not persistent',
      { service: { protocol: 'udp', port: 53, onePacket: true }, persistent: false },
      [udp('0-5'), udp('0-5'), udp('0-3')],
    ),
    ipv6('IPv6', undefined),
    ipv6('IPv6, netmask /64', '64'),
  ],
};

interface Options extends Partial<Pick<ScenarioInput, 'sysctls' | 'timeouts' | 'flows'>> {
  readonly service?: Partial<ScenarioInput['service']>;
  readonly persistent?: boolean;
  readonly limits?: Pick<GoldenReal, 'upper'>;
}

function scenario(name: string, options: Options, steps: readonly Action[]): ScenarioInput {
  const { service, persistent = true, limits, ...others } = options;
  const persistence = persistent ? { persistence: PERSISTENCE } : {};
  return {
    name,
    service: { protocol: 'tcp', vip: VIP, port: 80, scheduler: 'rr', ...persistence, ...service },
    reals: realsOf([1, 1, 1], limits),
    flows: FOUR_EACH,
    observe: ['counts', 'connections'],
    ...others,
    steps,
  };
}

function severalPorts(): Action[] {
  return [
    { ...syn(NOBODY), port: 80 },
    { ...syn('1,5,9'), port: 443 },
    { send: 'UDP', flows: '2,6,10', port: 53 },
  ];
}

/** Known and new connections of known clients, and a new client. */
function again(): Action[] {
  return [ack(NOBODY), syn('1,5,9'), syn('2,6,10'), ack('0,1,2'), syn('12')];
}

/** Three hosts each of two /64 networks, then again on other ports. */
function ipv6(name: string, netmask: string | undefined): ScenarioInput {
  const clients = [1, 2].flatMap((net) => [1, 2, 3].map((host) => `2001:db8:ff:${net}::${host}`));
  const opening = (sourcePort: number): Action => ({
    packets: clients.map((source) =>
      toHex(tcpPacket({ source, destination: VIP6, sourcePort, destinationPort: 80 })),
    ),
  });
  const persistence = netmask === undefined ? PERSISTENCE : { ...PERSISTENCE, netmask };
  return {
    ...scenario(name, { service: { vip: VIP6, persistence } }, [opening(40_000), opening(40_001)]),
    reals: ['A', 'B', 'C'].map((letter, i) => ({ name: letter, address: `2001:db8:1::${i + 1}`, weight: 1 })),
  };
}

function real(name: string): GoldenReal {
  const found = realsOf([1, 1, 1]).find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no real named ${name}`);
  return found;
}

function ack(flows: string): Action {
  return { send: 'ACK', flows };
}

function udp(flows: string): Action {
  return { send: 'UDP', flows };
}
