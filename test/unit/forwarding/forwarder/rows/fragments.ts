import { REALS } from '../fixture.ts';
import { ACK, data, fragmentsOf, icmpError, ipPacket, outer, outerFragments, tcp, udp } from '../packets.ts';
import { answer, drop, forward, hold, type PacketRow, row, type Step } from '../row.ts';

const [A, B] = REALS;
const WRR = 53;
const MH = 80;

type Parts = [Uint8Array, Uint8Array, Uint8Array];

/** 2000 bytes of UDP data in three fragments. */
const [FIRST, MIDDLE, LAST] = fragmentsOf(udp(WRR, { dataBytes: 2000 }), [800, 1600]) as Parts;
const [TCP_FIRST, TCP_LAST] = fragmentsOf(tcp(MH, { flags: ACK, dataBytes: 1000 }), [512]) as Parts;

function whole(fragment: Uint8Array, id: number, real = A): Uint8Array {
  return outer(fragment, real, { id, dontFragment: false });
}

function follows(fragment: Uint8Array, id: number, real = A): Step {
  return forward(fragment, real, whole(fragment, id, real), 'fragment-forwarded');
}

function withTtl(fragment: Uint8Array, ttl: number): Uint8Array {
  const fields = { ttl, moreFragments: true, dontFragment: false };
  return ipPacket(17, fragment.subarray(20), fields);
}

const TINY = ipPacket(6, data(16), { moreFragments: true, dontFragment: false });
const AFTER_TINY = ipPacket(6, data(16), { fragmentOffsetBytes: 16, dontFragment: false });
const WITH_DF = ipPacket(17, FIRST.subarray(20), { moreFragments: true, dontFragment: true });
const FULL_FIRST = ipPacket(17, udp(WRR, { dataBytes: 2000 }).subarray(20, 1500), {
  moreFragments: true,
  dontFragment: false,
});

export const FRAGMENT_ROWS: readonly PacketRow[] = [
  row(
    'fragments leave one by one, each in an outer header of its own',
    follows(FIRST, 1),
    follows(MIDDLE, 2),
    follows(LAST, 3),
  ),
  row('in any order once the first one came', follows(FIRST, 1), follows(LAST, 2), follows(MIDDLE, 3)),
  row(
    'those that come before the first are held and leave behind it',
    hold(LAST),
    hold(MIDDLE),
    forward(FIRST, A, [whole(FIRST, 1), whole(LAST, 2), whole(MIDDLE, 3)], 'fragment-forwarded'),
  ),
  row('TCP to a hash service', follows(TCP_FIRST, 1, B), follows(TCP_LAST, 2, B)),
  row('no outer fragment has DF', follows(WITH_DF, 1)),
  row(
    'a fragment that the tunnel cannot carry is fragmented further',
    forward(
      FULL_FIRST,
      A,
      outerFragments(FULL_FIRST, A, { id: 1, ends: [1480, 1500] }),
      'fragment-forwarded',
    ),
  ),
  row(
    'a first fragment too small for a TCP header is dropped, and what follows it',
    drop(TINY, 'fragment-dropped'),
    drop(AFTER_TINY, 'fragment-dropped'),
  ),
  row('what was held for it is dropped as well', hold(AFTER_TINY), drop(TINY, 'fragment-dropped')),
  row(
    'a fragment that overlaps the TCP header is dropped',
    drop(ipPacket(6, data(16), { fragmentOffsetBytes: 8, dontFragment: false }), 'fragment-dropped'),
  ),
  row(
    'fragments of ICMP are not put together',
    drop(ipPacket(1, data(16), { moreFragments: true, dontFragment: false }), 'fragment-dropped'),
  ),
  row(
    'the TTL of the first one runs out: time exceeded, and the others go on',
    answer(withTtl(FIRST, 1), icmpError({ type: 11, code: 0 }, withTtl(FIRST, 1)), 'ttl-expired'),
    follows(MIDDLE, 2),
  ),
  row(
    'the TTL of a later one runs out: nothing is sent',
    follows(FIRST, 1),
    drop(
      ipPacket(17, MIDDLE.subarray(20), {
        ttl: 1,
        fragmentOffsetBytes: 800,
        moreFragments: true,
        dontFragment: false,
      }),
      'ttl-expired',
    ),
  ),
  row(
    'a first fragment to no service',
    ((packet) => answer(packet, icmpError({ type: 3, code: 3 }, packet), 'no-service'))(
      fragmentsOf(udp(99, { dataBytes: 1000 }), [512])[0] as Uint8Array,
    ),
    drop(fragmentsOf(udp(99, { dataBytes: 1000 }), [512])[1] as Uint8Array, 'fragment-dropped'),
  ),
  row(
    'a first fragment of TCP that opens no flow is not answered',
    drop(fragmentsOf(tcp(81, { flags: ACK, dataBytes: 1000 }), [512])[0] as Uint8Array, 'no-flow'),
  ),
];
