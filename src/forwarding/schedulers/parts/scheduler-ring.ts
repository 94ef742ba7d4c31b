// The Maglev ring of a service that mh schedules in the slow path.
import type { Service } from '../../forwarding-table.ts';
import { clientWord } from '../../hashing/client-word.ts';
import { flowHash, slotOfHash } from '../../hashing/flow-hash.ts';
import { buildRing, NO_MEMBER, ringSize } from '../../hashing/ring.ts';
import type { RingWalk } from '../hashed/mh.ts';
import type { Candidate, ScheduleRequest } from '../scheduler.ts';
import { KnownReals } from './known-reals.ts';

/**
 * Returns the ring that the service has in an image where it is stateless, so that a client has the same real in both: same size,
 * key and hash.
 */
export function ownRing({ reals, hashOn }: Service, hashKey: Uint8Array): RingWalk {
  const known = new KnownReals();
  const words = wordsOf(hashKey);
  let ring = new Uint16Array();
  return function* (candidates: readonly Candidate[], { client, clientPort }: ScheduleRequest) {
    if (known.haveChanged(candidates)) {
      ring = buildRing(candidates, ringSize(Math.max(reals.length, candidates.length)), hashKey).slice();
    }
    const hash = flowHash(clientWord(client, words), hashOn === 'flow' ? clientPort : 0, words);
    const first = slotOfHash(hash, ring.length);
    for (let step = 0; step < ring.length; step++) {
      const position = ring[(first + step) & (ring.length - 1)] as number;
      if (position !== NO_MEMBER) yield position;
    }
  };
}

/** Returns the key's words as in the image's settings. */
function wordsOf(hashKey: Uint8Array): Uint32Array {
  const view = new DataView(hashKey.buffer, hashKey.byteOffset, 16);
  return Uint32Array.from([0, 4, 8, 12], (at) => view.getUint32(at, true));
}
