import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type SchedulerName,
} from '../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../src/forwarding/image/forwarding-image.ts';
import { SLOT_REAL_BITS, SLOT_REAL_MASK, SLOT_TRACKED } from '../src/forwarding/image/tables/layout.ts';
import type { ImageMemory } from '../src/forwarding/image/tables/memory.ts';
import { buildIp } from '../src/forwarding/packets/build-ip.ts';
import { type IpAddress, type IpFamily, ip, isIpv6 } from '../src/net/address/ip-address.ts';
import type { Ipv4Address } from '../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../src/net/address/ipv6-address.ts';
import { buildEthernet, ETHERTYPE } from '../src/net/headers/ethernet.ts';
import { PROTOCOL } from '../src/net/headers/ipv4.ts';
import { buildTcp } from '../src/net/headers/tcp.ts';

/**
 * - `mh-stable`: every slot of the ring has but one real; no flow is remembered.
 * - `mh-transition`: every slot is tracked, every flow remembered and found.
 * - `rotation-tracked`: rr; every flow remembered and found.
 * - `rotation-syn-flood`: rr; every packet is the first of a flow, and pushes another one out of a full memory.
 */
export type FastPathCase = 'mh-stable' | 'mh-transition' | 'rotation-tracked' | 'rotation-syn-flood';

export interface FilledImage {
  readonly case: FastPathCase;
  readonly family: IpFamily;
  /** The way out to all reals. */
  readonly ifIndex: number;
}

export const TTL = 64;
const VIPS = { 4: ip('192.0.2.10'), 6: ip('2001:db8:f::10') } as const;
const DIRECTORS = { 4: ip('10.0.0.2'), 6: ip('2001:db8:d::2') } as const;
const FIRST_REALS = { 4: ip('10.1.0.1'), 6: ip('2001:db8:1::1') } as const;
/** Until the walk sets it, or the last word of it. A client can have each. */
const CLIENTS = { 4: ip('64.0.0.0'), 6: ip('2001:db8:c::') } as const;
const PORT = 80;
const REALS = 10;
/** From the Ethernet header to the end of the packet; of IPv6 with TCP the least there is. */
const FRAME_BYTES = { 4: 64, 6: 74 } as const;

/** One service on port 80, whose reals are all behind one next hop and of its family. */
export function fillImage(memory: ImageMemory, { case: name, family, ifIndex }: FilledImage): void {
  const image = new ForwardingImage(memory);
  image.setNow(1);
  image.apply(table(name.startsWith('rotation') ? 'rr' : 'mh', family), 1);
  for (const { index } of image.reals()) {
    image.setPath(index, {
      sourceAddress: DIRECTORS[family],
      mtuBytes: 1500,
      resolved: {
        nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
        sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 2),
        ifIndex,
      },
    });
  }
  if (name === 'mh-transition') trackEverySlot(image.slots);
}

/** As if every slot had just moved, from a real that still serves. */
function trackEverySlot(slots: Uint32Array): void {
  for (const [at, slot] of slots.entries()) {
    const real = slot & SLOT_REAL_MASK;
    if (real !== 0) slots[at] = real | (real << SLOT_REAL_BITS) | SLOT_TRACKED;
  }
}

function table(scheduler: SchedulerName, family: IpFamily): ForwardingTable {
  const reals = Array.from({ length: REALS }, (_, i) => ({
    address: neighbourOf(FIRST_REALS[family], i),
    weight: 1,
    serving: true,
  }));
  const common = { vip: VIPS[family], port: PORT, protocol: 'tcp', tunnel: { type: 'ipip' } } as const;
  const policy = { blackhole: { policy: 'cure', after: 2 }, hashOn: 'flow' } as const;
  return {
    hashKey: Uint8Array.from({ length: 16 }, (_, i) => 7 + i * 29),
    timeouts: DEFAULT_TIMEOUTS,
    services: [{ ...common, ...policy, scheduler, reals }],
  };
}

function neighbourOf(address: IpAddress, distance: number): IpAddress {
  return isIpv6(address)
    ? ((address + BigInt(distance)) as Ipv6Address)
    : ((address + distance) as Ipv4Address);
}

/** A frame to the service, as short as can be. @param flags of TCP */
export function frameWith(flags: number, family: IpFamily = 4): Uint8Array {
  const addresses = { source: CLIENTS[family], destination: VIPS[family] };
  const headersBytes = 14 + (family === 4 ? 20 : 40) + 20;
  const payload = new Uint8Array(FRAME_BYTES[family] - headersBytes);
  const segment = buildTcp({ ...addresses, sourcePort: 0, destinationPort: PORT, flags, payload });
  const packet = buildIp({ ...addresses, protocol: PROTOCOL.tcp, ttl: TTL, dontFragment: true }, segment);
  const mac = Uint8Array.of(2, 2, 2, 2, 2, 2);
  const etherType = family === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6;
  return buildEthernet({ destination: mac, source: mac, etherType }, packet);
}
