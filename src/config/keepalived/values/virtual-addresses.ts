// The addresses that VRRP moves, and who claims them.
import { formatIp, parseIp } from '../../../net/address/ip-address.ts';
import type { PlainService } from '../services/virtual-server.ts';
import { keywordOf, type Statement } from '../text/statement.ts';

/** The addresses that a vrrp_instance moves, as `addressKey` writes them, without their prefixes. */
export function virtualAddresses({ body = [] }: Statement): string[] {
  const blocks = body.filter((inner) => /^virtual_ipaddress(?:_excluded)?$/.test(keywordOf(inner)));
  return blocks.flatMap((block) =>
    (block.body ?? []).map((entry) => addressKey(keywordOf(entry).replace(/\/.*/, ''))),
  );
}

/** Returns one spelling for each address. */
export function addressKey(text: string): string {
  const address = parseIp(text);
  return address === undefined ? text : formatIp(address);
}

/** Leaves it to the host to answer for the virtual addresses that VRRP moves: only the master has them. */
export function withClaims(
  statements: readonly Statement[],
  services: readonly PlainService[],
): readonly PlainService[] {
  const instances = statements.filter((statement) => keywordOf(statement) === 'vrrp_instance');
  const moved = new Set(instances.flatMap(virtualAddresses));
  return services.map((service) =>
    moved.has(addressKey(String(service.vip))) ? { ...service, claim: 'host' } : service,
  );
}
