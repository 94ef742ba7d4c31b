import { expect, test } from 'vitest';
import { clientWord } from '../../../../../src/forwarding/hashing/client-word.ts';
import { ForwardingImage } from '../../../../../src/forwarding/image/forwarding-image.ts';
import {
  NO_CLIENT_FILTER,
  NO_CLIENT_PLACES,
  NO_CLIENT_PROBES,
  NO_CLIENTS,
} from '../../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory } from '../../../../../src/forwarding/image/tables/memory.ts';
import { NoClients } from '../../../../../src/forwarding/image/tables/no-clients.ts';
import { type IpAddress, ip } from '../../../../../src/net/address/ip-address.ts';
import type { Ipv4Address } from '../../../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../../../src/net/address/ipv6-address.ts';
import { service, table, VIP } from '../tables.ts';

const KEY = Uint32Array.of(0x01234567, 0x89abcdef, 0xfedcba98, 0x76543210);

/** As bpf/no-client.h looks a word up. */
function isListed(memory: ArrayBuffer, word: number): boolean {
  if (new Uint8Array(memory, NO_CLIENTS.filter, NO_CLIENT_FILTER)[word % NO_CLIENT_FILTER] === 0)
    return false;
  const hash = Math.imul(word, 0x9e3779b1);
  const first = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 16;
  const words = new Uint32Array(memory, NO_CLIENTS.words, NO_CLIENT_PLACES);
  return Array.from({ length: NO_CLIENT_PROBES }, (_, i) => words[(first + i) % NO_CLIENT_PLACES]).includes(
    word,
  );
}

/** A block of VIPs of each family, as many as a plane takes. */
function manyAddresses(): IpAddress[] {
  const ipv6 = 0x2001_0db8_000f_0000_0000_0000_0000_0000n;
  return Array.from({ length: 8192 }, (_, i) => [
    (0xc0000200 + i) as Ipv4Address,
    (ipv6 + BigInt(i)) as Ipv6Address,
  ]).flat();
}

test('the list has as many VIPs as a plane takes, and no address beside them', () => {
  const memory = new ArrayBuffer(NO_CLIENTS.size);
  const addresses = manyAddresses();
  new NoClients(memory).set(addresses, KEY);
  const words = new Set(addresses.map((address) => clientWord(address, KEY)));
  expect([...words].filter((word) => !isListed(memory, word))).toEqual([]);
  const others = Array.from({ length: 200_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0);
  expect(others.filter((word) => !words.has(word) && isListed(memory, word))).toEqual([]);
});

test('what is set is all there is, whatever was there before', () => {
  const memory = new ArrayBuffer(NO_CLIENTS.size);
  new NoClients(memory).set(manyAddresses(), KEY);
  const former = new NoClients(memory);
  former.set([VIP], KEY);
  const fresh = new ArrayBuffer(NO_CLIENTS.size);
  new NoClients(fresh).set([VIP], KEY);
  expect(Buffer.from(memory).equals(Buffer.from(fresh))).toBe(true);
  former.own.mend();
  expect(former.own.takeMended()).toEqual([]);
});

test('an image lists its VIPs by the key in use and the addresses of the host, until they are gone', () => {
  const [host, vip6] = [ip('10.0.0.2'), ip('2001:db8::10')];
  const memory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 10 });
  const image = new ForwardingImage(memory);
  const listed = (): boolean[] =>
    [VIP, vip6, host].map((address) => isListed(memory.noClients, clientWord(address, image.hashKey)));
  image.setHostAddresses(new Set([host]));
  expect(listed()).toEqual([false, false, true]);
  const services = [service(), service({ vip: vip6 })];
  image.apply(table(services), 1);
  expect(listed()).toEqual([true, true, true]);
  image.apply({ ...table(services), hashKey: new Uint8Array(KEY.buffer) }, 2);
  expect(listed()).toEqual([true, true, true]);
  expect([VIP, vip6, host].map((address) => image.isNoClient(address))).toEqual([true, true, true]);
  image.apply({ ...table([service()]), hashKey: new Uint8Array(KEY.buffer) }, 3);
  expect(listed()).toEqual([true, false, true]);
  image.setHostAddresses(new Set([vip6]));
  expect(listed()).toEqual([true, true, false]);
  const next = new ForwardingImage(memory);
  expect([VIP, vip6, host].map((address) => next.isNoClient(address))).toEqual([true, false, false]);
  expect(listed()).toEqual([true, false, false]);
});
