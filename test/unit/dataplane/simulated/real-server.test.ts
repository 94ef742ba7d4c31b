import { beforeEach, describe, expect, test } from 'vitest';
import { EventLoop, settle } from '../../../../src/dataplane/simulated/network/event-loop.ts';
import {
  LAB,
  labTopology,
  type Topology,
} from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import type { RealServer } from '../../../../src/dataplane/simulated/real-server.ts';
import { clampMss } from '../../../../src/dataplane/simulated/transport/mss-clamp.ts';
import { requestHttp } from '../../../../src/dataplane/simulated/transport/simulated-http-client.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { transportChecksum } from '../../../../src/net/checksum.ts';
import { buildIpv4, PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildTcp, mssOption, TCP_FLAGS, tcpMss } from '../../../../src/net/headers/tcp.ts';

const REAL = LAB.reals[0] ?? LAB.vip;

function synAck(mss: number, flags: number = TCP_FLAGS.syn | TCP_FLAGS.ack): Uint8Array {
  const ends = { source: LAB.vip, destination: LAB.client };
  const options = mssOption(mss);
  return buildIpv4(
    { ...ends, protocol: PROTOCOL.tcp, dontFragment: true },
    buildTcp({ ...ends, sourcePort: 80, destinationPort: 40000, flags, options }),
  );
}

describe('the clamp', () => {
  const vips = new Set([LAB.vip]);

  test('lowers the MSS of a SYN-ACK from a VIP and mends the checksum', () => {
    const packet = synAck(1460);
    const clamped = clampMss(packet, vips, 1400);
    expect(tcpMss(clamped, 20, 24)).toBe(1400);
    expect(transportChecksum(clamped.subarray(20), LAB.vip, LAB.client, PROTOCOL.tcp)).toBe(0);
    expect(tcpMss(packet, 20, 24)).toBe(1460);
  });

  test('leaves all else alone: smaller values, SYNs, other sources', () => {
    expect(tcpMss(clampMss(synAck(1300), vips, 1400), 20, 24)).toBe(1300);
    expect(tcpMss(clampMss(synAck(1460, TCP_FLAGS.syn), vips, 1400), 20, 24)).toBe(1460);
    expect(tcpMss(clampMss(synAck(1460), new Set([ipv4('192.0.2.11')]), 1400), 20, 24)).toBe(1460);
  });
});

describe('a real server', () => {
  let loop: EventLoop;
  let topology: Topology;
  let real: RealServer;

  beforeEach(() => {
    loop = new EventLoop();
    topology = labTopology(loop);
    real = topology.reals[0] as RealServer;
    // In place of a director: everything for the VIP goes into a tunnel to the first real.
    topology.director.ip.ingress = (packet, header) => {
      if (header.destination !== LAB.vip) return false;
      const ends = { source: LAB.director, destination: REAL };
      topology.director.ip.transmit(buildIpv4({ ...ends, protocol: PROTOCOL.ipip }, packet));
      return true;
    };
  });

  const request = () =>
    settle(loop, requestHttp(topology.client, { destination: LAB.vip, port: 80, timeoutMs: 500 }), 1000);

  test('takes the outer header off and answers the client directly', async () => {
    const capture = topology.capture();
    expect(await request()).toMatchObject({ ok: true, server: 'real1' });
    const throughDirector = capture.stop().filter(({ point }) => point === 'director');
    expect(throughDirector.length).toBeGreaterThan(4);
    expect(
      throughDirector.every(({ packet, direction }) => direction === 'in' || packet[9] === PROTOCOL.ipip),
    ).toBe(true);
    expect(capture.toPcap('director').length).toBeGreaterThan(24);
  });

  test.each([
    [
      'no tunnel',
      () => {
        real.isTunnelUp = false;
      },
      'nothing after 500 ms',
    ],
    ['no VIP', () => real.removeVip(LAB.vip), 'nothing after 500 ms'],
    ['no server', () => real.killHttp(80), 'connection refused'],
    ['no link', () => topology.setLink(REAL, false), 'nothing after 500 ms'],
  ])('%s', async (_, breakIt, error) => {
    breakIt();
    expect(await request()).toMatchObject({ ok: false, error });
  });
});
