import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { mergeChecks } from '../../../src/config/defaults/fill-in-check.ts';
import type { CheckConfig } from '../../../src/contract/checks/check-config.ts';
import type { ServiceConfig } from '../../../src/contract/config/service-contract.ts';
import { BFD_STATE, encodeControlPacket } from '../../../src/health/bfd/control-packet.ts';
import type { BfdNeighbor } from '../../../src/health/bfd/neighbor.ts';
import { BfdSpeaker } from '../../../src/health/bfd/speaker.ts';
import { BfdThread } from '../../../src/health/bfd/thread.ts';
import { checkOf } from '../../../src/health/check-identity.ts';
import { Checker } from '../../../src/health/checker.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { UdpSender } from '../../../src/linux/sockets/udp-sender.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { TcpOnlyConnector } from '../../unit/health/tcp-only-connector.ts';
import { packetsIn, protocolOf, seen } from '../bfd/capture.ts';
import { BfdNetwork, kill, type Verdict } from '../bfd/network.ts';

const root = process.getuid?.() === 0;
const bird = has('bird');

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const FAST = { minTxMs: 60, minRxMs: 60, idleTxMs: 1000, multiplier: 5, passive: false };

function neighbor(address: string, more: Partial<BfdNeighbor> = {}): BfdNeighbor {
  const multihop = more.multihop ?? false;
  const hops = { ttl: 255, maxHops: multihop ? 255 : 0 };
  return { address: ip(address), source: undefined, multihop, ...hops, parameters: FAST, ...more };
}

async function came(verdicts: readonly Verdict[], count: number): Promise<Verdict> {
  const look = (): void => expect(verdicts.length).toBeGreaterThanOrEqual(count);
  await vi.waitFor(look, { timeout: 60_000, interval: 5 });
  return verdicts[count - 1] as Verdict;
}

function birdTo(near: string, peer: string): string {
  const timers = 'min rx interval 50 ms; min tx interval 50 ms; idle tx interval 1 s; multiplier 5;';
  return `interface "eth0" { ${timers} }; neighbor ${near} dev "eth0" local ${peer};`;
}

// A machine that stalls as a whole takes sessions down, and rightly so.
const stalls = { retry: 2 };

describe.skipIf(!root || !bird)('BFD with BIRD (needs root and bird2)', stalls, () => {
  const network = new BfdNetwork();
  const { director, real, far } = network;
  let thread: BfdThread;
  let errors: string[];
  const watch = (to: BfdNeighbor): Verdict[] => network.watch(thread, to);

  beforeAll(() => network.setUp());
  afterAll(() => network.remove());
  beforeEach(() => {
    errors = [];
    thread = new BfdThread((stack) => void errors.push(stack));
  });
  afterEach(async () => {
    await network.clear();
    await thread.close();
    expect(errors).toEqual([]);
  });

  const families = [
    { family: 'IPv4', near: '10.9.0.1', peer: '10.9.0.2' },
    { family: 'IPv6', near: '2001:db8:90::1', peer: '2001:db8:90::2' },
  ];

  test.each(families)('$family: up, killed, and back', async ({ near, peer }) => {
    const verdicts = watch(neighbor(peer));
    const first = network.startBird(real, birdTo(near, peer));
    expect(await came(verdicts, 1)).toMatchObject({ fault: undefined });
    await network.untilBird(real, / Up .* 0\.060 +0\.300/);
    const killedMs = await kill(first, 'SIGKILL');
    const down = await came(verdicts, 2);
    expect(down.fault).toBe(`no BFD packet from ${peer} within 300ms`);
    // Its last packet may have been as old as its interval.
    expect(down.atMs - killedMs).toBeGreaterThan(300 - 60 - 20);
    network.startBird(real, birdTo(near, peer));
    expect(await came(verdicts, 3)).toMatchObject({ fault: undefined });
  });

  test('an error in its thread ends neither the process nor the sessions', async () => {
    const verdicts = watch(neighbor('10.9.0.2'));
    const peer = network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    expect(await came(verdicts, 1)).toMatchObject({ fault: undefined });
    await network.untilBird(real, / Up /);
    network.watch(thread, undefined as never);
    await vi.waitFor(() => expect(errors).toEqual([expect.stringMatching(/^TypeError/)]));
    errors = [];
    await network.untilBird(real, / Down /);
    await network.untilBird(real, / Up /);
    await kill(peer, 'SIGKILL');
    await vi.waitFor(() => expect(verdicts.at(-1)?.fault).toMatch('no BFD packet from 10.9.0.2 within'));
  });

  test.each(families)('$family: packets that tshark knows; the end is told', async ({ near, peer }) => {
    const captured = join(network.directory, `${near}.pcap`);
    const capture = network.start(real, ['tcpdump', '-U', '-i', 'eth0', '-w', captured, 'udp']);
    const verdicts = watch(neighbor(peer));
    await seen(captured, `${protocolOf(near)}.src == ${near}`);
    network.startBird(real, birdTo(near, peer));
    await came(verdicts, 1);
    const polls = `${protocolOf(near)}.src == ${near} and bfd.sta == 3 and bfd.flags.p == 1`;
    await seen(captured, polls);
    const downs = `${protocolOf(peer)}.src == ${peer} and bfd.sta == 1 and bfd.diag == 3`;
    network.closeSessions();
    await network.untilBird(real, / Down /);
    // The peer has been told, and did not have to find out.
    await seen(captured, downs);
    capture.kill('SIGINT');
    await once(capture, 'exit');
    expect(await packetsIn(captured, '_ws.malformed or udp.port == 3784 and not bfd')).toEqual([]);
    const sent = await packetsIn(captured, `${protocolOf(near)}.src == ${near}`);
    const [first, last] = [sent[0], sent.at(-1)];
    expect(first).toMatchObject({
      state: '0x01',
      diagnostic: '0x00',
      multiplier: '5',
      ttl: '255',
      rx: '60000',
      tx: '1000000',
    });
    expect(last).toMatchObject({ state: '0x00', diagnostic: '0x07', ttl: '255' });
    expect((await packetsIn(captured, polls))[0]).toMatchObject({ tx: '60000', rx: '60000' });
    expect(new Set(sent.map(({ port }) => port)).size).toBe(1);
    expect(Number(first?.port)).toBeGreaterThanOrEqual(49_152);
  });

  test.each([
    { family: 'IPv4', near: '10.9.1.1', peer: '10.9.2.2' },
    { family: 'IPv6', near: '2001:db8:91::1', peer: '2001:db8:92::2' },
  ])('$family: over a router', async ({ near, peer }) => {
    const bfd = `multihop { min rx interval 50 ms; min tx interval 50 ms; multiplier 5; };
      neighbor ${near} local ${peer} multihop yes;`;
    network.startBird(far, bfd);
    const verdicts = watch(neighbor(peer, { multihop: true, source: ip(near), ttl: 64, maxHops: 1 }));
    expect(await came(verdicts, 1)).toMatchObject({ fault: undefined });
    await network.untilBird(far, / Up .* 0\.300/);
  });

  test('over more routers than allowed', async () => {
    network.startBird(far, 'neighbor 10.9.1.1 local 10.9.2.2 multihop yes;');
    const verdicts = watch(neighbor('10.9.2.2', { multihop: true, ttl: 64, maxHops: 0 }));
    expect((await came(verdicts, 1)).fault).toBe('no BFD packet from 10.9.2.2');
  });

  test('a peer that wants fewer packets, and sends fewer', async () => {
    const slow = 'interface "eth0" { min rx interval 500 ms; min tx interval 200 ms; multiplier 4; };';
    const verdicts = watch(neighbor('10.9.0.2'));
    const program = network.startBird(real, `${slow} neighbor 10.9.0.1 dev "eth0" local 10.9.0.2;`);
    await came(verdicts, 1);
    await network.untilBird(real, / Up .* 0\.200 +2\.500/);
    const receivedBytes = network.received();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    // Four intervals, each shorter by up to a quarter.
    expect(network.received() - receivedBytes).toBeLessThanOrEqual(7);
    const killedMs = await kill(program, 'SIGKILL');
    const down = await came(verdicts, 2);
    expect(down.fault).toBe('no BFD packet from 10.9.0.2 within 800ms');
    expect(down.atMs - killedMs).toBeGreaterThan(800 - 200 - 20);
  });

  test('packets that a forger may send', async () => {
    const verdicts = watch(neighbor('10.9.0.2'));
    network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    await came(verdicts, 1);
    const down = {
      diagnostic: 0,
      state: BFD_STATE.down,
      poll: false,
      final: false,
      controlPlaneIndependent: false,
      demand: false,
      multiplier: 3,
      myDiscriminator: 77,
      yourDiscriminator: 0,
      desiredMinTxUs: 1e6,
      requiredMinRxUs: 1e6,
      requiredMinEchoRxUs: 0,
    };
    const forge = (hopLimit: number, packet = down, port = 3784): void => {
      const options = { source: ip('10.9.0.2'), ports: [49_999], hopLimit };
      using sender = inNamespace(real, () => new UdpSender(options));
      sender.send(encodeControlPacket(packet), ip('10.9.0.1'), port);
    };
    forge(254);
    forge(255, { ...down, yourDiscriminator: 0x1234_5678 });
    forge(255, down, 4784);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(verdicts).toHaveLength(1);
    // What a neighbour sends is believed: there is no authentication.
    forge(255);
    expect((await came(verdicts, 2)).fault).toBe('10.9.0.2 has taken the BFD session down (no diagnostic)');
    expect(await came(verdicts, 3)).toMatchObject({ fault: undefined });
  });

  test('a loop that stood still reads first what has come', async () => {
    const patient = { ...FAST, multiplier: 30 };
    const speaker = new BfdSpeaker();
    using closing = new DisposableStack();
    closing.defer(() => speaker.close());
    const verdicts = network.watch(speaker, neighbor('10.9.0.2', { parameters: patient }));
    const program = network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    await came(verdicts, 1);
    await network.untilBird(real, / Up .* 0\.060 +1\.800/);
    standStill(700);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(verdicts).toHaveLength(1);
    program.kill('SIGKILL');
    standStill(700);
    // When its last packet came counts, not when it was read: from there 300 ms have passed long since.
    const isSilentFromReading = sleep(300).then(() => verdicts.length === 1);
    expect((await came(verdicts, 2)).fault).toBe('no BFD packet from 10.9.0.2 within 300ms');
    expect(await isSilentFromReading).toBe(false);
  });

  test('a director that stands still keeps its sessions', async () => {
    const parameters = { ...FAST, minTxMs: 150, minRxMs: 150 };
    const verdicts = watch(neighbor('10.9.0.2', { parameters }));
    network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    await came(verdicts, 1);
    await network.untilBird(real, / Up .* 0\.750/);
    standStill(2000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(verdicts).toMatchObject([{ fault: undefined }]);
    expect(await network.birdSessions(real)).toMatch(/ Up /);
  });

  test('a peer that shuts its BFD down, which is our own, as BIRD does not say so', async () => {
    const verdicts = watch(neighbor('10.9.0.2'));
    const peer = new BfdSpeaker();
    inNamespace(real, () => peer.open(neighbor('10.9.0.1'), () => undefined));
    await came(verdicts, 1);
    peer.close();
    expect((await came(verdicts, 2)).fault).toBe('BFD was shut down at 10.9.0.2');
  });

  test('a passive side waits for the other', async () => {
    const verdicts = watch(neighbor('10.9.0.2', { parameters: { ...FAST, passive: true } }));
    const before = network.received();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(network.received() - before).toBe(0);
    network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    expect((await came(verdicts, 1)).fault).toBeUndefined();
  });

  test('several that watch a neighbour share a session', async () => {
    const verdicts = [watch(neighbor('10.9.0.2')), watch(neighbor('10.9.0.2'))];
    network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    for (const each of verdicts) expect(await came(each, 1)).toMatchObject({ fault: undefined });
    verdicts.push(watch(neighbor('10.9.0.2')));
    expect(await came(verdicts[2] as Verdict[], 1)).toMatchObject({ fault: undefined });
    expect(network.ports().filter((port) => port >= 49_152)).toHaveLength(1);
    // One takes over from the others within a change of the configuration: the peer does not notice.
    network.closeSessions();
    verdicts.push(watch(neighbor('10.9.0.2')));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(verdicts[3]).toHaveLength(1);
    expect(await network.birdSessions(real)).toMatch(/ Up /);
  });

  test('a port that another daemon holds until it ends', async () => {
    const other = network.startBird(
      director,
      'interface "eth0" {}; neighbor 10.9.0.2 dev "eth0" local 10.9.0.1;',
    );
    await vi.waitFor(() => expect(network.ports()).toContain(3784));
    const verdicts = watch(neighbor('10.9.0.2'));
    network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    expect((await came(verdicts, 1)).fault).toMatch(
      /^BFD cannot be heard: listen on UDP port 3784: .*EADDRINUSE/,
    );
    await kill(other, 'SIGTERM');
    expect(await came(verdicts, 2)).toMatchObject({ fault: undefined });
  });

  test('a check of the director', async () => {
    const stop = new AbortController();
    const changes: (string | undefined)[] = [];
    const check = { type: 'bfd', minTx: 60, minRx: 60, multiplier: 5 } as const;
    const [config] = mergeChecks([{ check }]) as [CheckConfig];
    const service = { vip: ip('192.0.2.10'), protocol: 'tcp', port: 80 } as ServiceConfig;
    const wanted = checkOf(service, ip('10.9.0.2'), config);
    const checker = new Checker({
      connector: new TcpOnlyConnector(() => Promise.reject(new Error('nothing is attempted'))),
      onResult: (_key, { up, lastError }) => changes.push(up ? 'up' : lastError),
      signal: stop.signal,
    });
    const known = { up: false, sinceMs: 0, lastError: 'not checked yet' };
    inNamespace(director, () => checker.update([{ check: wanted, known }]));
    const program = network.startBird(real, birdTo('10.9.0.1', '10.9.0.2'));
    await vi.waitFor(() => expect(changes).toEqual(['up']));
    expect(checker.state(wanted.key)).toMatchObject({ up: true, lastError: undefined });
    await network.untilBird(real, / Up .* 0\.300/);
    // The faster interval of a peer counts from its next packet on.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await kill(program, 'SIGKILL');
    const silent = 'no BFD packet from 10.9.0.2 within 300ms';
    await vi.waitFor(() => expect(changes).toEqual(['up', silent]));
    expect(checker.state(wanted.key)).toMatchObject({ up: false, failures: 1, lastError: silent });
    stop.abort();
  });
});

function standStill(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
