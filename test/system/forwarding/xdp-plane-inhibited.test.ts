// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0)
//                          └────── 10.0.1.2 and 10.0.1.3: two reals, which take nothing apart: what comes to them is captured
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import { startedWorld, step } from '../../../src/director/step/step.ts';
import type { ForwardingTable, SchedulerName } from '../../../src/forwarding/forwarding-table.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { formatIp } from '../../../src/net/address/ip-address.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { results } from '../../unit/director/worlds.ts';
import { PlaneFixture } from '../xdp-plane/fixture.ts';
import { delay, drain, udp, VIP } from '../xdp-plane/packets.ts';
import { able, TABLE } from '../xdp-plane/table.ts';

const REALS = ['10.0.1.2', '10.0.1.3'] as const;
const SENDERS = 12;

const all = (real: string): string[] => Array<string>(SENDERS).fill(real);

/** The table that the director computes while these reals are down. */
function tableOf(
  scheduler: SchedulerName,
  expireNodestConn: boolean,
  down: readonly string[],
): ForwardingTable {
  const loaded = parseYaml(
    `director: {interface: eth0, expireNodestConn: ${expireNodestConn}}
services:
  - vip: 192.0.2.10
    port: 53
    protocol: udp
    scheduler: ${scheduler}
    inhibitOnFailure: true
    check: {type: tcp}
    reals: [{address: ${REALS[0]}}, {address: ${REALS[1]}}]
`,
    'culvert.yaml',
  );
  const world = startedWorld(loaded, TABLE.hashKey);
  return step(world, results(world, down), 0).world.table;
}

describe.skipIf(!able)('inhibited reals of UDP (needs root and build/bpf/director.bpf.o)', () => {
  let fixture: PlaneFixture;
  /** Of the first sender; each test has its own. */
  let firstPort = 40_000;

  beforeAll(async () => {
    fixture = await PlaneFixture.build();
    const address = ['ip', 'addr', 'add', `${REALS[1]}/24`, 'dev', 'eth0'];
    await runInNamespace(fixture.network.namespace('real'), address);
  });

  afterAll(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  /** Every sender sends once. @returns the reals that their datagrams came to, sorted */
  async function sendAll(): Promise<readonly string[]> {
    drain(fixture.atReal);
    for (let i = 0; i < SENDERS; i++) fixture.client.send(udp(firstPort + i, new Uint8Array(20)), VIP);
    const reals: string[] = [];
    for (const end = Date.now() + 5000; reals.length < SENDERS && Date.now() < end; ) {
      for (const { header } of drain(fixture.atReal)) {
        if (header.protocol === PROTOCOL.ipip) reals.push(formatIp(header.destination));
      }
      await delay(5);
    }
    return reals.toSorted();
  }

  test.each<[SchedulerName, boolean]>([
    ['rr', true],
    ['rr', false],
    ['wlc', true],
    ['wlc', false],
    ['mh', true],
  ])('%s: steady senders leave a real whose check fails (expireNodestConn %s)', async (scheduler, expire) => {
    const apply = (...down: string[]): Promise<unknown> =>
      fixture.plane.apply(tableOf(scheduler, expire, down));
    firstPort += SENDERS;
    await apply();
    // By load alone all of them may go to one real.
    const failing = (await sendAll())[0] === REALS[0] ? REALS[0] : REALS[1];
    const other = failing === REALS[0] ? REALS[1] : REALS[0];
    await apply(failing);
    for (let second = 0; second < 3; second++) {
      expect(await sendAll()).toEqual(all(other));
      await delay(700);
    }
    // The last one that is left fails as well: nobody takes the flows, which stay.
    await apply(...REALS);
    expect(await sendAll()).toEqual(all(other));
    await apply(other);
    expect(await sendAll()).toEqual(all(failing));
  });
});
