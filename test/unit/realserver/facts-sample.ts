import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import type { IpAddress } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import type { LinkFacts, RealServerFacts, TunnelFacts } from '../../../src/realserver/facts/facts.ts';
import {
  type MssSetting,
  serving,
  type VerifyOptions,
  type Wanted,
} from '../../../src/realserver/options.ts';
import { ANYONE } from '../../../src/realserver/program/address-keys.ts';

export const VIP: ReturnType<typeof ipv4> = ipv4('192.0.2.10');
export const DIRECTOR: ReturnType<typeof ipv4> = ipv4('10.0.0.1');

export interface Changed {
  readonly vips?: readonly IpAddress[];
  readonly tunnel?: Tunnel;
  /** None: anyone by IPv4. */
  readonly directors?: readonly IpAddress[];
  readonly mss?: MssSetting;
}

/** Every VIP in one tunnel. */
export function wanted({
  vips = [VIP],
  tunnel: kind = { type: 'ipip' },
  directors = [],
  mss = 'auto',
}: Changed = {}): Wanted {
  return {
    serves: serving(vips, [kind]).map((served) => ({ ...served, mss })),
    directors: directors.length === 0 ? [ANYONE[4]] : directors,
    interface: 'eth0',
    instance: 'default',
  };
}

export function toVerify({
  ports = [],
  ...changes
}: Changed & { readonly ports?: readonly number[] } = {}): VerifyOptions {
  const { vips = [VIP], directors = [] } = changes;
  const listeners = vips.flatMap((vip) => ports.map((port) => ({ vip, port })));
  return { ...wanted(changes), directors, listeners };
}

export function link(name: string, changes: Partial<LinkFacts> = {}): LinkFacts {
  const ethernet = name.startsWith('eth');
  return { index: 2, name, mtuBytes: 1500, up: true, running: true, ethernet, ...changes };
}

export function tunnel(
  kind: TunnelFacts['kind'],
  name: string,
  changes: Partial<LinkFacts> = {},
): TunnelFacts {
  return { ...link(name, { index: 3, mtuBytes: 1480, ...changes }), kind };
}

/** A host as it comes: nothing is set up. */
export const BARE: RealServerFacts = {
  link: link('eth0'),
  loopback: link('lo', { index: 1, mtuBytes: 65_536 }),
  tunnels: [],
  guePorts: [],
  modules: { ipip: 'absent' },
  addresses: [{ interface: 'eth0', address: ipv4('10.0.3.2'), prefixLength: 24 }],
  sysctls: {
    'net/ipv4/ip_forward': '0',
    'net/ipv4/conf/all/arp_ignore': '0',
    'net/ipv4/conf/all/arp_announce': '0',
    'net/ipv4/conf/all/rp_filter': '0',
    'net/ipv4/conf/eth0/arp_ignore': '0',
    'net/ipv4/conf/eth0/arp_announce': '0',
    'net/ipv4/conf/eth0/rp_filter': '0',
  },
  firewall: { tools: ['nft', 'iptables'], clamps: [] },
  xdp: undefined,
  defaultRoutes: ['eth0'],
  listeners: [],
};

/** Set up by hand as the manuals of the mode say: ipip, tunl0 and its sysctls, and the clamp by iptables. */
export const BY_HAND: RealServerFacts = {
  ...BARE,
  tunnels: [tunnel('ipip', 'tunl0')],
  modules: { ipip: 'present' },
  addresses: [...BARE.addresses, { interface: 'tunl0', address: VIP, prefixLength: 32 }],
  sysctls: {
    ...BARE.sysctls,
    'net/ipv4/conf/all/arp_ignore': '1',
    'net/ipv4/conf/all/arp_announce': '2',
    'net/ipv4/conf/tunl0/rp_filter': '0',
  },
  firewall: {
    tools: ['iptables'],
    clamps: [
      {
        tool: 'iptables',
        where: 'table filter, chain OUTPUT',
        instance: undefined,
        sources: [{ address: VIP, length: 32 }],
        mss: 1400,
      },
    ],
  },
};
