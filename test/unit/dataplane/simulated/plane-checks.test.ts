import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../../../src/dataplane/simulated/network/event-loop.ts';
import { LAB } from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import type { RealServer } from '../../../../src/dataplane/simulated/real-server.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { labReals, labTable } from './lab-table.ts';
import { SimLab } from './sim-lab.ts';

const [FIRST, SECOND] = LAB.reals as readonly [Ipv4Address, Ipv4Address];
const SILENT = 'no answer within 500 ms';

let lab: SimLab;
beforeEach(async () => {
  lab = await SimLab.open();
  await lab.plane.apply(labTable());
});
afterEach(() => lab[Symbol.asyncDispose]());

/** The outcome of one check in words. */
function check(address: Ipv4Address, via: 'tunnel' | 'direct', port = 80): Promise<string> {
  const { loop, plane } = lab;
  const target =
    via === 'tunnel'
      ? ({ via, vip: LAB.vip, port, real: address } as const)
      : ({ via, address, port } as const);
  const controller = new AbortController();
  loop.schedule(500, () => controller.abort(new Error(SILENT)));
  return settle(loop, plane.connector.connectTcp(target, controller.signal), 1000).then(
    (connection) => {
      connection[Symbol.dispose]();
      return 'passes';
    },
    (error: Error) => error.message,
  );
}

test('through the tunnel and direct they pass, counted as checks and not as traffic', async () => {
  for (const address of LAB.reals) {
    expect(await check(address, 'tunnel')).toBe('passes');
    expect(await check(address, 'direct')).toBe('passes');
  }
  const { services, reasons } = await lab.plane.counters();
  expect(services[0]).toMatchObject({ connections: 0, packets: 0 });
  expect(reasons.check).toBe(3 * 3);
  lab.loop.advance(10);
  expect(lab.topology.director.tcp.size).toBe(0);
  for (const real of lab.topology.reals) expect(real.host.tcp.size).toBe(0);
});

test('checks do not take turns away from clients', async () => {
  expect(await lab.spread(1)).toStrictEqual({ real1: 1 });
  for (const address of LAB.reals) await check(address, 'tunnel');
  expect(await lab.spread(1)).toStrictEqual({ real2: 1 });
});

describe('with something broken on a real', () => {
  test.each([
    [
      'the tunnel',
      (real: RealServer) => {
        real.isTunnelUp = false;
      },
      SILENT,
      'passes',
    ],
    ['the VIP', (real: RealServer) => real.removeVip(LAB.vip), SILENT, 'passes'],
    ['the service', (real: RealServer) => real.killHttp(80), 'connection refused', 'connection refused'],
    ['the link', (real: RealServer) => lab.topology.setLink(real.address, false), SILENT, SILENT],
  ])('%s', async (_, breakIt, tunnel, direct) => {
    breakIt(lab.topology.real(SECOND) as RealServer);
    expect(await check(SECOND, 'tunnel')).toBe(tunnel);
    expect(await check(SECOND, 'direct')).toBe(direct);
    expect(await check(FIRST, 'tunnel')).toBe('passes');
  });
});

test('a real that is out of service is checked all the same, on another port too', async () => {
  await lab.plane.apply(labTable({ reals: labReals({}, { serving: false }) }));
  expect(await check(SECOND, 'tunnel')).toBe('passes');
  lab.topology.real(SECOND)?.serveHttp(8080);
  expect(await check(SECOND, 'tunnel', 8080)).toBe('passes');
});

test('a real of no service cannot be checked through the tunnel', async () => {
  expect(await check(ipv4('10.0.9.9'), 'tunnel')).toBe('no service of 192.0.2.10 has the real 10.0.9.9');
});
