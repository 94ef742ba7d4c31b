// The order in which ipvsadm lists services.
import { ip, ipBytes } from '../../net/address/ip-address.ts';
import type { ListedService } from './listed.ts';

const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;

/** Sorts as ipvsadm does: by family, protocol, address and port. */
export function sortServices(services: readonly ListedService[]): ListedService[] {
  return services
    .toSorted(
      (a, b) =>
        family(a) - family(b) ||
        PROTOCOL_NUMBERS[a.protocol] - PROTOCOL_NUMBERS[b.protocol] ||
        compareAddresses(a.address, b.address) ||
        a.port - b.port,
    )
    .map((service) => ({
      ...service,
      servers: service.servers.toSorted(
        (a, b) => family(a) - family(b) || compareAddresses(a.address, b.address),
      ),
    }));
}

function family({ address }: { readonly address: string }): number {
  return address.includes(':') ? 6 : 4;
}

/** Its difference of two words overflows as an int does in C: 172.16.0.1 comes before 10.0.3.2. */
function compareAddresses(a: string, b: string): number {
  const [ofA, ofB] = [wordsOf(a), wordsOf(b)];
  return ofA.reduce((found, word, index) => found || (word - (ofB[index] ?? 0)) | 0, 0);
}

function wordsOf(address: string): number[] {
  const bytes = Buffer.from(ipBytes(ip(address)));
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(4 * index));
}
