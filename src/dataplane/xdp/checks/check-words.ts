// The map by which the fast path recognises answers to checks.
import { swap16 } from '../../../forwarding/image/tables/byte-order.ts';
import { CHECK_ROW, CHECK_WORDS } from '../../../forwarding/image/tables/layout.ts';
import { type IpAddress, ipBytes, isIpv6 } from '../../../net/address/ip-address.ts';

/** The peer of a check; the port is 0 for echo requests. */
export interface CheckPeer {
  readonly vip: IpAddress;
  readonly port: number;
}

export interface CheckSocket {
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** The local port; for ICMP the identifier of the echo request. */
  readonly localPort: number;
  readonly source: IpAddress;
}

const PORT_BITS = 16;
const ADDRESS_BYTES = 16;

/** Map `check_words` of `bpf/layout.h`: by it the fast path recognises answers to checks, and nothing else. */
export class CheckWords {
  readonly #words: Uint32Array<ArrayBuffer>;

  /** Forgets the checks of an earlier run. */
  constructor(words: ArrayBuffer) {
    this.#words = new Uint32Array(words, 0, CHECK_WORDS).fill(0);
  }

  set(check: CheckSocket, { vip, port }: CheckPeer): void {
    Atomics.store(this.#words, placeOf(check), checkWord(vip, check.source, port));
  }

  clear(check: CheckSocket): void {
    Atomics.store(this.#words, placeOf(check), 0);
  }
}

/** Returns the word of a check, the same as check_word() of `bpf/check-answers.h`: words are read as they lie in packets. */
export function checkWord(vip: IpAddress, director: IpAddress, port: number): number {
  const words = [...wordsOf(vip), ...wordsOf(director), swap16(port)];
  return (words.reduce(mix, 0) | 1) >>> 0;
}

function placeOf({ protocol, source, localPort }: CheckSocket): number {
  return ((2 * CHECK_ROW[protocol] + (isIpv6(source) ? 1 : 0)) << PORT_BITS) | localPort;
}

function wordsOf(address: IpAddress): Uint32Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  bytes.set(ipBytes(address));
  return new Uint32Array(bytes.buffer);
}

function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
