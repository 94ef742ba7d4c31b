// The list of addresses that no client has, the VIPs and the director's own, as the fast path reads it.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import { clientWord } from '../../hashing/client-word.ts';
import { NO_CLIENT_FILTER, NO_CLIENT_PLACES, NO_CLIENT_PROBES, NO_CLIENTS } from './layout.ts';
import { OwnWords } from './own-words.ts';

const PLACE_BITS = 16;
const WORDS_AT = NO_CLIENTS.words / 4;

/** The map `no_clients` of `bpf/layout.h`. Every run fills it again; the list of an earlier run holds until then. */
export class NoClients {
  readonly own: OwnWords;

  constructor(memory: ArrayBuffer) {
    this.own = new OwnWords(memory, NO_CLIENTS.size);
  }

  /**
   * Replaces the list; writes only what differs. An address that finds no place, as can happen with tens of thousands, is known
   * to the slow path alone.
   */
  set(addresses: Iterable<IpAddress>, hashKey: Uint32Array): void {
    const wanted = new Uint32Array(this.own.length);
    const filter = new Uint8Array(wanted.buffer, NO_CLIENTS.filter, NO_CLIENT_FILTER);
    const words = wanted.subarray(WORDS_AT);
    for (const address of addresses) {
      const word = clientWord(address, hashKey);
      const place = placesOf(word).find((at) => words[at] === 0 || words[at] === word);
      if (place === undefined) continue;
      words[place] = word;
      filter[word % NO_CLIENT_FILTER] = 1;
    }
    for (let at = 0; at < wanted.length; at++) {
      const word = wanted[at] as number;
      if (this.own.words[at] !== word) this.own.store(at, word);
    }
    this.own.adopt(0, this.own.length);
  }
}

function placesOf(word: number): number[] {
  const hash = Math.imul(word, 0x9e3779b1);
  const first = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> (32 - PLACE_BITS);
  return Array.from({ length: NO_CLIENT_PROBES }, (_, step) => (first + step) % NO_CLIENT_PLACES);
}
