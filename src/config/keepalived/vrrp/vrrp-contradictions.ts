// Finds contradictions between the VRRP and the virtual servers of a keepalived.conf.
import type { PlainService } from '../services/virtual-server.ts';
import type { Findings, Place } from '../text/place.ts';
import { addressKey, type VrrpInstance } from './vrrp-instances.ts';

export interface VrrpContext {
  readonly director: Readonly<Record<string, unknown>>;
  /** With their claims. */
  readonly services: readonly PlainService[];
  /** The place of each service. */
  readonly places: readonly (Place | undefined)[];
  readonly findings: Findings;
}

/** Reports virtual servers whose addresses VRRP does not move from node to node as it should. */
export function checkVrrp(instances: readonly VrrpInstance[], context: VrrpContext): void {
  const vips = new Set(context.services.map(({ vip }) => addressKey(String(vip))));
  const moving = instances.filter(({ addresses }) => addresses.some(({ address }) => vips.has(address)));
  refuseTwice(instances, vips, context.findings);
  if (moving.length === 0) return;
  warnOfUnmoved(moving, context);
  warnOfClaim(moving, context);
  warnOfSeed(moving, context);
}

/** Two masters of one address would both answer for it. */
function refuseTwice(
  instances: readonly VrrpInstance[],
  vips: ReadonlySet<string>,
  findings: Findings,
): void {
  const first = new Map<string, { readonly name: string; readonly line: number }>();
  for (const { name, addresses } of instances) {
    for (const { address, place } of addresses) {
      const known = first.get(address);
      if (known === undefined) first.set(address, { name, line: place.line });
      else if (vips.has(address) && known.name !== name)
        findings.error(
          place,
          `vrrp_instance ${name}: ${address} is also an address of vrrp_instance ${known.name}, in line ${known.line}; ` +
            'fix: remove it from one of them, or two nodes may hold it at once',
        );
    }
  }
}

function warnOfUnmoved(
  moving: readonly VrrpInstance[],
  { director, services, places, findings }: VrrpContext,
): void {
  const moved = new Set(moving.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  const told = new Set<string>();
  for (const [index, { vip, claim }] of services.entries()) {
    const address = addressKey(String(vip));
    const place = places[index];
    if (
      place === undefined ||
      (claim ?? director['claim']) === 'never' ||
      moved.has(address) ||
      told.has(address)
    )
      continue;
    told.add(address);
    findings.warn(
      place,
      `virtual_server: no vrrp_instance lists ${address}, so every node answers for it; fix: add it to the ` +
        'virtual_ipaddress of one, or give --set claim=never if it is routed',
    );
  }
}

function warnOfClaim([first]: readonly VrrpInstance[], { director, findings }: VrrpContext): void {
  if (first === undefined || director['claim'] !== 'always') return;
  findings.warn(
    first.place,
    'vrrp_instance: with --set claim=always every node answers for its addresses, whoever is master; fix: leave claim out',
  );
}

/** Each node would make a seed of its own, and send connections to other real servers after a fail-over. */
function warnOfSeed([first]: readonly VrrpInstance[], { director, services, findings }: VrrpContext): void {
  const hashes = services.some(({ scheduler }) => scheduler === 'mh');
  if (first === undefined || !hashes || director['hashSeed'] !== undefined) return;
  findings.warn(
    first.place,
    'vrrp_instance: without a common hash seed a fail-over breaks connections of mh; fix: give --set hashSeed=..., the same ' +
      '32 hexadecimal digits on each node',
  );
}
