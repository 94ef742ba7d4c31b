// Records packets at the ends of simulated links.
import { LINK_TYPE, writePcap } from '../../../net/captures/pcap.ts';
import type { LinkEnd } from './simulated-link.ts';

export interface SeenPacket<Point extends string> {
  readonly point: Point;
  readonly direction: 'in' | 'out';
  readonly atMs: number;
  readonly packet: Uint8Array;
}

/** Records what passes at the ends of links, each named by a point, until it is stopped. */
export class Capture<Point extends string> implements Disposable {
  readonly packets: SeenPacket<Point>[] = [];
  readonly #taps: Disposable[];

  constructor(points: readonly { readonly point: Point; readonly end: LinkEnd }[]) {
    this.#taps = points.map(({ point, end }) =>
      end.tap((packet, direction, atMs) => this.packets.push({ point, direction, atMs, packet })),
    );
  }

  stop(): readonly SeenPacket<Point>[] {
    for (const tap of this.#taps.splice(0)) tap[Symbol.dispose]();
    return this.packets;
  }

  /** Returns the packets seen at a point as a pcap file. */
  toPcap(point: Point): Uint8Array {
    const packets = this.packets
      .filter((seen) => seen.point === point)
      .map(({ packet, atMs }) => ({
        linkType: LINK_TYPE.raw,
        timeNs: BigInt(Math.round(atMs * 1e6)),
        bytes: packet,
        originalLength: packet.length,
      }));
    return writePcap(packets, LINK_TYPE.raw);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
