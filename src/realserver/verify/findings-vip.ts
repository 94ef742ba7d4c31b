// The findings of `verify` about VIPs, clamps and listeners.
import { familyOf, formatEndpoint, formatIp, type IpAddress, isIpv4 } from '../../net/address/ip-address.ts';
import { type AddressFacts, contains, type RealServerFacts } from '../facts/facts.ts';
import { holderOf } from '../facts/kernel-devices.ts';
import type { VerifyOptions } from '../options.ts';
import { hostPrefix, hostPrefixLength } from '../plan/action.ts';
import { LOOPBACK } from '../plan/plan-setup.ts';
import { aroundVip, fittingMss } from '../plan/tunnel-room.ts';
import { ANYONE } from '../program/address-keys.ts';
import { type Finding, finding } from './finding.ts';

export function vipFinding(
  facts: RealServerFacts,
  options: VerifyOptions,
  way: 'xdp' | 'kernel' | undefined,
  vip: IpAddress,
): Finding {
  const whole = hostPrefixLength(vip);
  const held = facts.addresses.filter((address) => address.address === vip);
  const home = (way === 'kernel' ? holderOf(facts, options, vip) : undefined) ?? LOOPBACK;
  const wrong = held.find((address) => isAnswered(facts, options, address) || address.prefixLength !== whole);
  const add = `ip addr add ${hostPrefix(vip)} dev ${home}`;
  return finding({
    check: `VIP ${formatIp(vip)}`,
    ok: held.length > 0 && wrong === undefined,
    found:
      held.length === 0
        ? 'missing'
        : held.map((address) => describeAddress(facts, options, address)).join(', '),
    expected: `${hostPrefix(vip)} on ${home}`,
    remedy:
      wrong === undefined
        ? add
        : `ip addr del ${formatIp(vip)}/${wrong.prefixLength} dev ${wrong.interface}${held.length === 1 ? ` && ${add}` : ''}`,
  });
}

/** Returns true if the host answers ARP or ND for it: no setting prevents that for an address of the interface asked on. */
function isAnswered(facts: RealServerFacts, options: VerifyOptions, address: AddressFacts): boolean {
  return address.interface === options.interface && facts.link?.ethernet === true;
}

function describeAddress(facts: RealServerFacts, options: VerifyOptions, address: AddressFacts): string {
  const where = `on ${address.interface}, /${address.prefixLength}`;
  const protocol = isIpv4(address.address) ? 'ARP' : 'neighbour discovery';
  if (isAnswered(facts, options, address))
    return `${where}: the host answers ${protocol} instead of the director`;
  return address.prefixLength === hostPrefixLength(address.address)
    ? where
    : `${where}: every address of that network counts as local`;
}

export function clampFinding(facts: RealServerFacts, options: VerifyOptions, vip: IpAddress): Finding {
  const fitting = fittingMss(facts.link?.mtuBytes ?? 0, aroundVip(options, vip), familyOf(vip));
  const clamps = facts.firewall.clamps.filter((clamp) =>
    clamp.sources.some((source) => contains(source, vip)),
  );
  const values = clamps.flatMap((clamp) => clamp.mss ?? []);
  const lowest = Math.min(...values);
  const by = clamps.find((clamp) => clamp.mss === lowest);
  const toPath = clamps.length > 0 ? 'to the path MTU, which does not account for the tunnel' : 'none';
  const text = formatIp(vip);
  return finding({
    check: `MSS clamp ${text}`,
    ok: lowest <= fitting,
    found: by === undefined ? toPath : `${lowest} (${by.tool}, ${by.where})`,
    expected: `at most ${fitting}`,
    remedy: `culvert realserver setup, or "${isIpv4(vip) ? 'iptables' : 'ip6tables'} -t mangle -A OUTPUT -s ${text} -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss ${fitting}"`,
  });
}

export function listenerFinding(facts: RealServerFacts, vip: IpAddress, port: number): Finding {
  const atPort = facts.listeners.filter((candidate) => candidate.port === port);
  const listening = atPort.filter(({ address }) => serves(address, vip));
  const elsewhere = atPort.map(({ address }) => formatIp(address));
  return finding({
    check: `listener ${formatEndpoint(vip, port)}`,
    ok: listening.length > 0,
    found:
      listening.length > 0
        ? listening.map(({ protocol }) => protocol).join(', ')
        : `nothing listens on it${elsewhere.length > 0 ? `, only on ${elsewhere.join(', ')}` : ''}`,
    expected: 'a process listens',
    remedy: `start the service, listening on ${formatEndpoint(vip, port)} or on every address`,
  });
}

function serves(listening: IpAddress, vip: IpAddress): boolean {
  return listening === vip || listening === ANYONE[6] || (isIpv4(vip) && listening === ANYONE[4]);
}
