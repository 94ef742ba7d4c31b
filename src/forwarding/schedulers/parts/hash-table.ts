// The table of dh and sh: a real server for each place.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import { hashPlace } from '../../hashing/address-hash.ts';
import type { Candidate } from '../scheduler.ts';
import { KnownReals } from './known-reals.ts';

/** A table of the kernel's size, as long as every real can have its share there. */
const BITS = 8;
const PLACES_PER_REAL = 8;

type Shares = (candidate: Candidate) => number;

/** Positions of the candidates by place of an address hash; written anew when they change. */
export class HashTable {
  readonly #known = new KnownReals();
  readonly #shareOf: Shares;
  #bits = BITS;
  #positions = new Uint16Array();

  /** @param shareOf places in a row that a real gets before it is the next one's turn, at least one */
  constructor(shareOf: Shares) {
    this.#shareOf = shareOf;
  }

  /** Positions in the order in which an address may have them: its own place, then those from twice its number on. */
  *positionsFor(candidates: readonly Candidate[], address: IpAddress, port: number): Generator<number> {
    if (candidates.length === 0) return;
    if (this.#known.haveChanged(candidates)) this.#rewrite(candidates);
    const positions = this.#positions;
    const place = hashPlace(address, port, this.#bits);
    yield positions[place] as number;
    for (let step = 0; step < positions.length; step++) {
      yield positions[(2 * place + step) & (positions.length - 1)] as number;
    }
  }

  #rewrite(candidates: readonly Candidate[]): void {
    const shares = candidates.map(this.#shareOf);
    const fits = sum(shares) <= 2 ** BITS;
    this.#bits = fits ? BITS : Math.max(BITS, Math.ceil(Math.log2(shares.length * PLACES_PER_REAL)));
    this.#positions = fill(fits ? shares : scaled(shares, 2 ** this.#bits), 2 ** this.#bits);
  }
}

/** In proportion, each at least one and together at most all. */
function scaled(shares: readonly number[], places: number): number[] {
  const total = sum(shares);
  return shares.map((share) => 1 + Math.floor((share * (places - shares.length)) / total));
}

/** The real listed last has its share first; after all of them it begins anew. */
function fill(shares: readonly number[], places: number): Uint16Array<ArrayBuffer> {
  const positions = new Uint16Array(places);
  for (let place = 0; place < places; ) {
    for (let position = shares.length - 1; position >= 0; position--) {
      const end = place + (shares[position] as number);
      positions.fill(position, place, end);
      place = end;
    }
  }
  return positions;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
