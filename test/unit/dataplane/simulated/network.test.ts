import { beforeEach, describe, expect, test } from 'vitest';
import { EventLoop, settle } from '../../../../src/dataplane/simulated/network/event-loop.ts';
import { Router } from '../../../../src/dataplane/simulated/network/router.ts';
import { Host } from '../../../../src/dataplane/simulated/network/simulated-host.ts';
import { Link } from '../../../../src/dataplane/simulated/network/simulated-link.ts';
import {
  HttpSession,
  requestHttp,
} from '../../../../src/dataplane/simulated/transport/simulated-http-client.ts';
import { HttpServer } from '../../../../src/dataplane/simulated/transport/simulated-http-server.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { buildIcmp, parseIcmp } from '../../../../src/net/headers/icmp.ts';
import { buildIpv4, type Ipv4Header, PROTOCOL, parseIpv4Header } from '../../../../src/net/headers/ipv4.ts';

/** left (10.1.0.2) ── MTU 1500 ── router ── MTU of the test ── right (10.2.0.2), which serves HTTP on port 80 */
const LEFT = ipv4('10.1.0.2');
const RIGHT = ipv4('10.2.0.2');
const ANYWHERE = 0 as Ipv4Address;
const PORT = 80;

let loop: EventLoop;
let left: Host;
let right: Host;
let router: Router;
let rightLink: Link;
let server: HttpServer;

function build(mtuBytes: number): void {
  loop = new EventLoop();
  router = new Router(loop);
  left = new Host(loop);
  right = new Host(loop);
  rightLink = new Link(loop, { mtuBytes });
  for (const [host, link, address, gateway] of [
    [left, new Link(loop), LEFT, ipv4('10.1.0.1')],
    [right, rightLink, RIGHT, ipv4('10.2.0.1')],
  ] as const) {
    host.ip.addRoute(ANYWHERE, 0, host.ip.addInterface(link.ends[0], address, 24));
    router.ip.addInterface(link.ends[1], gateway, 24);
  }
  server = new HttpServer(right.tcp, PORT, 'right');
  server.start();
}

const request = (uploadBytes = 0, timeoutMs = 5000) =>
  settle(loop, requestHttp(left, { destination: RIGHT, port: PORT, uploadBytes, timeoutMs }), 200_000);

/** Packets that arrive at the right, or leave it. */
function watchRight(): { header: Ipv4Header; packet: Uint8Array; direction: string }[] {
  const seen: { header: Ipv4Header; packet: Uint8Array; direction: string }[] = [];
  rightLink.ends[0].tap((packet, direction) => {
    const header = parseIpv4Header(packet);
    if (typeof header === 'string') throw new Error(header);
    seen.push({ header, packet, direction });
  });
  return seen;
}

/** Drops the packets on their way to the right whose number is among these. */
function lose(...numbers: number[]): void {
  let count = 0;
  const before = router.ip.forwardFilter;
  router.ip.forwardFilter = (packet, header) =>
    (before?.(packet, header) ?? true) && !(header.destination === RIGHT && numbers.includes(count++));
}

beforeEach(() => build(1500));

describe('TCP', () => {
  test('a request is answered, the TTL is one less, and nothing is left open', async () => {
    const seen = watchRight();
    expect(await request()).toMatchObject({ ok: true, server: 'right' });
    expect(seen[0]?.header).toMatchObject({ source: LEFT, destination: RIGHT, ttl: 63, dontFragment: true });
    loop.advance(3000);
    expect(left.tcp.size + right.tcp.size).toBe(0);
    expect(left.tcp.malformed + right.tcp.malformed + left.ip.malformed + right.ip.malformed).toBe(0);
  });

  test('several requests on one connection', async () => {
    const session = new HttpSession(left, { destination: RIGHT, port: PORT });
    for (let count = 0; count < 5; count++) {
      expect(
        await settle(loop, session.request({ timeoutMs: 1000, uploadBytes: count * 1000 }), 2000),
      ).toMatchObject({ ok: true });
    }
    expect(server.requests).toBe(5);
    session.close();
    loop.advance(3000);
    expect(left.tcp.size + right.tcp.size).toBe(0);
  });

  test.each([[[0]], [[1]], [[2]], [[4, 5, 6]], [[3, 9, 27]], [[70, 71, 72, 73, 74]]])(
    'an upload of 100 kB completes when packets %j are lost',
    async (numbers) => {
      lose(...numbers);
      expect(await request(100_000, 20_000)).toMatchObject({ ok: true, server: 'right' });
    },
  );

  test('a port where nothing listens refuses; a killed server resets', async () => {
    const session = new HttpSession(left, { destination: RIGHT, port: PORT });
    expect(await settle(loop, session.request({ timeoutMs: 1000 }), 2000)).toMatchObject({ ok: true });
    server.kill();
    expect(await settle(loop, session.request({ timeoutMs: 1000 }), 2000)).toMatchObject({
      ok: false,
      error: 'connection reset',
    });
    expect(await request()).toMatchObject({ ok: false, error: 'connection refused' });
    server.start();
    expect(await request()).toMatchObject({ ok: true });
  });

  test('a dead link: the SYN is repeated, then the connection times out', async () => {
    rightLink.isUp = false;
    expect(await request(0, 500)).toMatchObject({ ok: false, error: 'nothing after 500 ms' });
    expect(await request(0, 190_000)).toMatchObject({ ok: false, error: 'connection timed out' });
  });
});

describe('path MTU', () => {
  test('the MSS of an end keeps segments to its own link', async () => {
    build(1480);
    const seen = watchRight();
    expect(await request(100_000)).toMatchObject({ ok: true });
    expect(Math.max(...seen.map(({ packet }) => packet.length))).toBe(1480);
    expect(left.ip.pathMtu(RIGHT)).toBe(1500);
  });

  test('discovery with segments that the peer would take but the path would not', async () => {
    const far = ipv4('10.3.0.2');
    const second = new Router(loop);
    const middle = new Link(loop, { mtuBytes: 1300 });
    const last = new Link(loop);
    router.ip.addRoute(far, 24, router.ip.addInterface(middle.ends[0], ipv4('10.9.0.1'), 24));
    second.ip.addRoute(ANYWHERE, 0, second.ip.addInterface(middle.ends[1], ipv4('10.9.0.2'), 24));
    second.ip.addInterface(last.ends[1], ipv4('10.3.0.1'), 24);
    const host = new Host(loop);
    host.ip.addRoute(ANYWHERE, 0, host.ip.addInterface(last.ends[0], far, 24));
    new HttpServer(host.tcp, PORT, 'far').start();
    const upload = { destination: far, port: PORT, uploadBytes: 50_000, timeoutMs: 3000 };
    router.filtersIcmpErrors = true;
    // The filter is on what the router forwards; its own messages get out.
    expect(await settle(loop, requestHttp(left, upload), 5000)).toMatchObject({ ok: true, server: 'far' });
    expect(left.ip.pathMtu(far)).toBe(1300);
  });

  test('a message about a packet that was never sent changes nothing', () => {
    const quoted = buildIpv4(
      { source: ipv4('10.1.0.9'), destination: RIGHT, protocol: PROTOCOL.tcp, dontFragment: true },
      new Uint8Array(20),
    );
    const lie = buildIpv4(
      { source: RIGHT, destination: LEFT, protocol: PROTOCOL.icmp },
      buildIcmp({ type: 3, code: 4, rest: 600, payload: quoted }),
    );
    right.ip.send(lie);
    loop.advance(10);
    expect(left.ip.pathMtu(RIGHT)).toBe(1500);
  });

  test('UDP is cut into fragments at the narrow link and put together at the end', () => {
    build(600);
    const got: number[] = [];
    const payload = Uint8Array.from({ length: 1400 }, (_, index) => index & 255);
    right.udp.listen(53, (datagram) => {
      expect(datagram.payload).toStrictEqual(payload);
      got.push(datagram.sourcePort);
    });
    const seen = watchRight();
    left.udp.send({ source: LEFT, sourcePort: 5000, destination: RIGHT, destinationPort: 53, payload });
    loop.advance(10);
    expect(got).toStrictEqual([5000]);
    expect(seen.map(({ packet }) => packet.length)).toStrictEqual([596, 596, 276]);
  });
});

const send = (fields: { destination: Ipv4Address; ttl?: number }, protocol: number, payload: Uint8Array) => {
  left.ip.send(buildIpv4({ source: LEFT, protocol, ...fields }, payload));
  loop.advance(10);
};

describe('ICMP', () => {
  const received: { type: number; code: number }[] = [];
  beforeEach(() => {
    received.length = 0;
    left.ip.ingress = (packet, header) => {
      const icmp = header.protocol === PROTOCOL.icmp ? parseIcmp(packet, header.headerBytes) : undefined;
      if (typeof icmp === 'object') received.push({ type: icmp.type, code: icmp.code });
      return false;
    };
  });

  test('echo is answered; TTL, route and port errors are told', () => {
    const echo = buildIcmp({ type: 8, code: 0, rest: 7 });
    send({ destination: RIGHT }, PROTOCOL.icmp, echo);
    send({ destination: RIGHT, ttl: 1 }, PROTOCOL.icmp, echo);
    send({ destination: ipv4('10.77.0.1') }, PROTOCOL.icmp, echo);
    left.udp.send({
      source: LEFT,
      sourcePort: 1,
      destination: RIGHT,
      destinationPort: 9,
      payload: new Uint8Array(1),
    });
    loop.advance(10);
    expect(received).toStrictEqual([
      { type: 0, code: 0 },
      { type: 11, code: 0 },
      { type: 3, code: 0 },
      { type: 3, code: 3 },
    ]);
  });

  test('no error is sent about an error', () => {
    send(
      { destination: RIGHT, ttl: 1 },
      PROTOCOL.icmp,
      buildIcmp({ type: 3, code: 1, payload: new Uint8Array(28) }),
    );
    expect(received).toStrictEqual([]);
  });

  test('the filter drops what is on its way through', () => {
    router.filtersIcmpErrors = true;
    left.udp.send({
      source: LEFT,
      sourcePort: 1,
      destination: RIGHT,
      destinationPort: 9,
      payload: new Uint8Array(1),
    });
    loop.advance(10);
    expect(received).toStrictEqual([]);
    expect(router.filtered).toBe(1);
  });
});
