// The settings of the image that the fast path reads: hash key, clock, budgets and IDs.
import { LAYOUT_VERSION, SETTINGS } from './layout.ts';
import { OwnWords } from './own-words.ts';

/** The map `settings` of `bpf/layout.h`. */
export class Settings {
  /** A view of the key, which follows `setHashKey`. */
  readonly hashKey: Uint32Array<ArrayBuffer>;
  readonly own: OwnWords;
  readonly #words: Uint32Array<ArrayBuffer>;

  constructor(settings: ArrayBuffer) {
    this.own = new OwnWords(settings, SETTINGS.size);
    this.#words = this.own.words;
    this.hashKey = new Uint32Array(settings, SETTINGS.hashKey, 4);
  }

  /** 0 if the memory is new. */
  get layoutVersion(): number {
    return this.#get(SETTINGS.layoutVersion);
  }

  get now(): number {
    return this.#get(SETTINGS.now);
  }

  setNow(tick: number): void {
    this.#set(SETTINGS.now, tick);
  }

  initialise(flowSets: number): void {
    this.#set(SETTINGS.flowSetMask, flowSets - 1);
    this.#set(SETTINGS.layoutVersion, LAYOUT_VERSION);
  }

  setSlowPathIfIndex(ifIndex: number): void {
    this.#set(SETTINGS.slowPathIfIndex, ifIndex);
  }

  /** @param packets of that kind that the slow path gets in one tick; 0: no limit */
  setBudget(rarity: number, packets: number): void {
    this.#set(SETTINGS.budget + 4 * rarity, packets);
  }

  /** @param ticks for which the clock may stand still before the control plane counts as gone; 0: no limit */
  setPatience(ticks: number): void {
    this.#set(SETTINGS.patience, ticks);
  }

  /** Returns the next outer IPv4 ID, shared with the fast path: 1..65535, then from 1 again. */
  nextOuterId(): number {
    for (;;) {
      const id = Atomics.add(this.#words, SETTINGS.outerId / 4, 1) & 0xffff;
      if (id !== 0) return id;
    }
  }

  hasHashKey(key: Uint8Array): boolean {
    return wordsOf(key).every((word, i) => this.hashKey[i] === word);
  }

  setHashKey(key: Uint8Array): void {
    for (const [i, word] of wordsOf(key).entries()) this.own.store(SETTINGS.hashKey / 4 + i, word);
  }

  #get(offset: number): number {
    return Atomics.load(this.#words, offset / 4);
  }

  #set(offset: number, value: number): void {
    this.own.store(offset / 4, value >>> 0);
  }
}

export function keyBytes(words: Uint32Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

function wordsOf(key: Uint8Array): number[] {
  const view = new DataView(key.buffer, key.byteOffset, 16);
  return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
}
