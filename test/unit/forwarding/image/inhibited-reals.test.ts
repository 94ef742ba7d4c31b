// What becomes of the flows of a failed real that is inhibited, once other reals take them over.
import { describe, expect, test } from 'vitest';
import type { Real, SchedulerName } from '../../../../src/forwarding/forwarding-table.ts';
import { selectReal } from '../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { flowsOf, real, service, table, VIP } from './tables.ts';

const PORTS = Array.from({ length: 40 }, (_, i) => 1000 + i);

class Director {
  readonly image = new ForwardingImage(allocateImageMemory({ slots: 1 << 14, flows: 1 << 12 }));
  readonly #scheduler: SchedulerName;
  readonly #expireNodestConn: boolean;
  #tick = 100;

  constructor(scheduler: SchedulerName, expireNodestConn: boolean) {
    this.#scheduler = scheduler;
    this.#expireNodestConn = expireNodestConn;
  }

  apply(...reals: Real[]): void {
    const services = [service({ scheduler: this.#scheduler, protocol: 'udp', reals })];
    this.image.apply({ ...table(services), expireNodestConn: this.#expireNodestConn }, ++this.#tick);
  }

  /** By client port: the number of the real that its datagram goes to; 0: none. */
  send(): number[] {
    const entry = this.image.findService(VIP, 80, 'udp');
    if (entry === undefined) throw new Error('the service is gone');
    return PORTS.map((clientPort) => {
      const packet = { client: ipv4('198.51.100.7'), clientPort, tcpFlags: undefined };
      const { real: index } = selectReal(this.image, entry, packet, this.#tick);
      return Number(this.image.real(index)?.address ?? ipv4('10.0.0.0')) & 0xff;
    });
  }

  /** Sends each second for longer than a datagram's flow is remembered. */
  keepSending(): number[] {
    let last: number[] = [];
    for (let second = 0; second < 20; second++) {
      this.#tick += 10;
      this.image.sweep(this.#tick);
      last = this.send();
    }
    return last;
  }

  get remembered(): number {
    return flowsOf(this.image, this.#tick).length;
  }
}

const INHIBITED = real(1, { weight: 0, serving: false, inhibited: true });

describe.each<SchedulerName>(['rr', 'wrr', 'wlc', 'sh', 'mh'])('%s', (scheduler) => {
  test.each([true, false])('a steady sender gets another real (expireNodestConn %s)', (expireNodestConn) => {
    const director = new Director(scheduler, expireNodestConn);
    director.apply(real(1), real(2));
    const before = director.send();
    expect(new Set(before)).toContain(1);
    director.apply(INHIBITED, real(2));
    expect(new Set(director.send())).toEqual(new Set([2]));
    expect(new Set(director.keepSending())).toEqual(new Set([2]));
  });

  test('with flows that an earlier drain has put in the flow memory', () => {
    const director = new Director(scheduler, false);
    director.apply(real(1), real(2));
    director.send();
    director.apply(real(1, { weight: 0 }), real(2));
    expect(new Set(director.send())).toContain(1);
    director.apply(INHIBITED, real(2));
    expect(new Set(director.send())).toEqual(new Set([2]));
    director.apply(real(1), real(2));
    expect(director.send()).not.toContain(0);
  });
});

test('where flows are held, a real that comes back and is deleted then holds its own again', () => {
  const director = new Director('rr', false);
  director.apply(real(1), real(2));
  director.send();
  director.apply(INHIBITED, real(2));
  director.send();
  director.apply(real(1), real(2));
  director.send();
  director.apply(real(1));
  expect(director.send()).toContain(0);
  expect(director.remembered).toBe(PORTS.length);
});
