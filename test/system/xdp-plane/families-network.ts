import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { type Descriptor, openSocket, SOCK } from '../../../src/linux/process/descriptor.ts';
import { AF } from '../../../src/linux/sockets/address-family.ts';
import { type IpAddress, ip } from '../../../src/net/address/ip-address.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { WiredNetwork } from './wired-network.ts';

/** Addresses of one host. */
export interface Both {
  readonly 4: IpAddress;
  readonly 6: IpAddress;
}

/*
 *   client .2 ── 198.51.100.1, 2001:db8:c::/64 ┐
 *                                              ├ router ── 10.0.0.1, 2001:db8::1 ── .2 director
 *   real   .2 ── 10.0.1.1, 2001:db8:1::/64 ────┘
 *
 * The networks of the VIPs, 192.0.2.0/24 and 2001:db8:10::/64, are on the director's link: the router asks for each VIP.
 */
export const CLIENT: Both = { 4: ip('198.51.100.2'), 6: ip('2001:db8:c::2') };
export const DIRECTOR: Both = { 4: ip('10.0.0.2'), 6: ip('2001:db8::2') };
export const REAL: Both = { 4: ip('10.0.1.2'), 6: ip('2001:db8:1::2') };
export const VIP: Both = { 4: ip('192.0.2.10'), 6: ip('2001:db8:10::10') };

const ADDRESSES = {
  client: { own: ['198.51.100.2/24', '2001:db8:c::2/64'], router: ['198.51.100.1', '2001:db8:c::1'] },
  director: { own: ['10.0.0.2/24', '2001:db8::2/64'], router: ['10.0.0.1', '2001:db8::1'] },
  real: { own: ['10.0.1.2/24', '2001:db8:1::2/64'], router: ['10.0.1.1', '2001:db8:1::1'] },
} as const;

export async function buildFamiliesNetwork(): Promise<WiredNetwork> {
  const network = new WiredNetwork();
  try {
    network.addHosts('router', 'client', 'director', 'real');
    network.sysctl('router', 'net/ipv4/ip_forward', '1');
    network.sysctl('router', 'net/ipv6/conf/all/forwarding', '1');
    for (const [host, { own, router }] of Object.entries(ADDRESSES)) {
      await network.cable(`${host}:eth0`, `router:${host}`);
      for (const [index, address] of own.entries()) {
        const length = address.split('/')[1] ?? '';
        await network.ip('router', `address add ${router[index]}/${length} dev ${host} nodad`);
        await network.ip(host, `address add ${address} dev eth0 nodad`);
        await network.ip(host, `route add default via ${router[index]}`);
      }
    }
    await network.ip(
      'router',
      'route add 192.0.2.0/24 dev director',
      'route add 2001:db8:10::/64 dev director',
    );
    return network;
  } catch (error) {
    network[Symbol.dispose]();
    throw error;
  }
}

/** Raw sockets for tunnel packets, which nobody reads, keep a host from answering each with an ICMP error. */
export function openSinks(network: WiredNetwork, host: string): Descriptor[] {
  return [AF.inet, AF.inet6].flatMap((domain) =>
    [PROTOCOL.ipip, PROTOCOL.ipv6, PROTOCOL.gre].map((protocol) =>
      inNamespace(network.namespace(host), () => openSocket('sink', { domain, type: SOCK.raw, protocol })),
    ),
  );
}
