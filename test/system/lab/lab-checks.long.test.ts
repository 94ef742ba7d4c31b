// The lab in namespaces: client ── router ── director (eth0, XDP), and three reals behind the router. real1 has a server
// of each protocol, the others have none of them; all are checked through the tunnel and direct, in both families.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { WireReal } from '../../../src/contract/api/service-status.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { NAMESPACE_DIRECTORY } from '../../../src/linux/namespaces/namespace-thread.ts';
import { formatIp } from '../../../src/net/address/ip-address.ts';
import { makeCertificate } from '../../servers/certificates.ts';
import { exim } from '../../servers/exim.ts';
import { named } from '../../servers/named.ts';
import { nginx } from '../../servers/nginx.ts';
import { obstacleTo, serverDirectory, startServer } from '../../servers/server.ts';

const obstacle = topologyObstacle() ?? obstacleTo('nginx', 'named', 'exim4', 'socat', 'openssl');
const PORTS = { http: 8080, https: 8443, smtp: 2525, dns: 5353, udp: 7007 };
const CHECKS = [
  `{type: tcp, port: ${PORTS.http}}`,
  `{type: http, port: ${PORTS.http}, urls: [{regex: welcome}]}`,
  `{type: https, port: ${PORTS.https}}`,
  `{type: smtp, port: ${PORTS.smtp}}`,
  `{type: dns, port: ${PORTS.dns}, queryName: example.com}`,
  `{type: udp, port: ${PORTS.udp}, payload: '0123', reply: '01x3'}`,
  '{type: ping}',
];
const TIMES = 'interval: 1s, timeout: 5s, retries: 0';
const PATIENCE = { timeout: 60_000, interval: 200 };
const UP = ['tcp up', 'http up', 'https up', 'smtp up', 'dns up', 'udp up', 'ping up'];

describe.skipIf(obstacle !== undefined)(`every protocol in the lab (${obstacle ?? 'able'})`, () => {
  describe.each([4, 6] as const)('over IPv%i', (family) => {
    let lab: NamespaceLab;
    let cleanUp: AsyncDisposableStack;
    let servers: AsyncDisposableStack;

    beforeAll(async () => {
      cleanUp = new AsyncDisposableStack();
      servers = cleanUp.use(new AsyncDisposableStack());
      lab = await NamespaceLab.open(`${process.pid}c${family}`, { vipFamily: family, realFamily: family });
      cleanUp.use(lab);
      startServers({ lab, family, cleanUp, servers });
      await lab.writeConfig({ more: [serviceOf('tunnel', 81), serviceOf('direct', 82)] });
      await lab.api.reload();
    });

    afterAll(() => cleanUp.disposeAsync());

    test.each([
      ['the tunnel', 81],
      ['no tunnel', 82],
    ])('through %s', async (_, port) => {
      await vi.waitFor(async () => expect(states((await found(lab, port))[0])).toEqual(UP), PATIENCE);
      await vi.waitFor(async () => {
        for (const real of (await found(lab, port)).slice(1)) {
          expect(states(real)).toEqual(UP.map((text) => text.replace(/^(?!ping)(\S+) up/, '$1 down')));
          const errors = real.health.checks.map(({ lastError }) => lastError);
          expect(errors).toEqual([...Array<string>(6).fill('connection refused'), null]);
        }
      }, PATIENCE);
    });

    test('without its servers it fails as well', async () => {
      await servers.disposeAsync();
      for (const port of [81, 82]) {
        await vi.waitFor(async () => {
          const [real] = await found(lab, port);
          expect(real?.health.state).toBe('down');
          expect(states(real).filter((text) => text.endsWith('up'))).toEqual(['ping up']);
        }, PATIENCE);
      }
    });
  });
});

/** All checks, each by this way. */
function serviceOf(via: string, port: number): { port: number; scheduler: 'rr'; keys: string[] } {
  const checks = CHECKS.map((check) => check.replace('{', `{via: ${via}, ${TIMES}, `));
  return { port, scheduler: 'rr', keys: [`checks: [${checks.join(', ')}]`] };
}

interface Servers {
  readonly lab: NamespaceLab;
  readonly family: 4 | 6;
  /** Of their directories, and of themselves. */
  readonly cleanUp: AsyncDisposableStack;
  readonly servers: AsyncDisposableStack;
}

/** On real1, at its own address and at the VIP. */
function startServers({ lab, family, cleanUp, servers }: Servers): void {
  const prefix = ['nsenter', `--net=${NAMESPACE_DIRECTORY}/${lab.topology.namespaceOf('real1')}`];
  const web = serverDirectory(cleanUp, 'nginx');
  const tls = [{ ...makeCertificate(web, 'real'), listen: everyAddress(PORTS.https) }];
  startServer(servers, nginx({ directory: web, plain: [everyAddress(PORTS.http)], tls }), prefix);
  startServer(servers, named(serverDirectory(cleanUp, 'named'), PORTS.dns), prefix);
  const mail = { directory: serverDirectory(cleanUp, 'exim'), port: PORTS.smtp };
  startServer(servers, exim(mail), prefix);
  // From an address of its own for each: a datagram's answer has to come from where it was sent to.
  for (const address of [formatIp(lab.vip), lab.topology.addressOf('real1', family)]) {
    const bind = family === 6 ? `[${address}]` : address;
    const echo = ['socat', `UDP${family}-RECVFROM:${PORTS.udp},fork,bind=${bind}`, 'PIPE'];
    startServer(servers, echo, prefix);
  }
}

/** As nginx writes it. */
function everyAddress(port: number): string {
  return `[::]:${port} ipv6only=off`;
}

/** The reals of the service on this port: real1 and the two others. */
async function found(lab: NamespaceLab, port: number): Promise<WireReal[]> {
  return (await lab.api.reals()).filter(({ service }) => service.port === port);
}

/** What each check says. */
function states(real: WireReal | undefined): string[] {
  return real?.health.checks.map(({ type, state }) => `${type} ${state}`) ?? [];
}
