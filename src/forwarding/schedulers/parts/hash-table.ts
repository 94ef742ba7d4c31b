// The kernel's table of reals by address hash, for sh and dh.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import { hashPlace } from '../../hashing/address-hash.ts';
import type { Candidate } from '../scheduler.ts';
import { KnownReals } from './known-reals.ts';

/** The size of the kernel's table, in bits; enough while every real can have its share. */
const BITS = 8;
const PLACES_PER_REAL = 8;

type Shares = (candidate: Candidate) => number;

/** Positions of the candidates by place of an address hash; rewritten when the candidates change. */
export class HashTable {
  readonly #known = new KnownReals();
  readonly #shareOf: Shares;
  #bits = BITS;
  #positions = new Uint16Array();

  /** @param shareOf consecutive places that a real gets before the next one, at least one */
  constructor(shareOf: Shares) {
    this.#shareOf = shareOf;
  }

  /** Yields positions in the order in which an address may have them: its own place, then those from twice its number on. */
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

/** Scales the shares in proportion, each at least one and all together at most the number of places. */
function scaled(shares: readonly number[], places: number): number[] {
  const total = sum(shares);
  return shares.map((share) => 1 + Math.floor((share * (places - shares.length)) / total));
}

/** Fills the table. The last listed real gets its share first; after the first listed it starts again. */
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
