// Plans the settings of the kernel.
import type { IpFamily } from '../../net/address/ip-address.ts';
import type { RealServerFacts } from '../facts/facts.ts';
import {
  arpSilent,
  dropsByReversePath,
  effective,
  FORWARDING,
  ipv6IsOff,
  settingPath,
} from '../facts/sysctls.ts';
import type { Action, Step } from './action.ts';

/**
 * Silence about the VIPs in ARP. Neighbour discovery needs none: a solicitation is answered only for addresses of the
 * interface on which it arrives (net/ipv6/ndisc.c, ndisc_recv_ns).
 */
export function arpSteps(facts: RealServerFacts, interfaceName: string): Step[] {
  const steps: Step[] = [];
  const general = settingPath('arp_ignore', 'all');
  const own = settingPath('arp_ignore', interfaceName);
  if (!arpSilent(effective(facts, 'arp_ignore', interfaceName))) {
    if (!arpSilent(facts.sysctls[general] ?? '0')) steps.push(setSysctl(facts, general, '1'));
    const ownValue = facts.sysctls[own] ?? '0';
    if (ownValue !== '0' && !arpSilent(ownValue)) steps.push(setSysctl(facts, own, '1'));
  }
  if (effective(facts, 'arp_announce', interfaceName) < 2) {
    steps.push(setSysctl(facts, settingPath('arp_announce', 'all'), '2'));
  }
  return steps;
}

/** Loose instead of none, and on this interface alone: that is all that decapsulation by XDP needs. */
export function reversePathSteps(facts: RealServerFacts, interfaceName: string): Step[] {
  if (!dropsByReversePath(facts, interfaceName)) return [];
  return [setSysctl(facts, settingPath('rp_filter', interfaceName), '2')];
}

/** Disables forwarding, because the kernel's devices take packets from anyone to anyone, and none may be relayed. */
export function kernelSysctlSteps(
  facts: RealServerFacts,
  families: readonly IpFamily[],
  ipv4Devices: readonly string[],
): Step[] {
  const filters = families.includes(4) ? ['all', ...ipv4Devices] : [];
  return [
    ...families
      .filter((family) => facts.sysctls[FORWARDING[family]] === '1')
      .map((family) => stopForwarding(facts, family)),
    ...filters
      .map((name) => settingPath('rp_filter', name))
      .filter((path) => (facts.sysctls[path] ?? '0') !== '0')
      .map((path) => setSysctl(facts, path, '0')),
  ];
}

export function ipv6Steps(facts: RealServerFacts, interfaces: readonly string[]): Step[] {
  return interfaces
    .filter((name) => ipv6IsOff(facts, name))
    .map((name) => setSysctl(facts, settingPath('disable_ipv6', name, 6), '0'));
}

function setSysctl(facts: RealServerFacts, path: string, value: string): Step {
  const before = facts.sysctls[path];
  return {
    action: { kind: 'set-sysctl', path, value },
    undo: before === undefined ? [] : [{ kind: 'set-sysctl', path, value: before }],
  };
}

/**
 * Writing the general setting also writes those of each interface, and for IPv4 accept_redirects (net/ipv4/devinet.c,
 * inet_forward_change; net/ipv6/addrconf.c, addrconf_fixup_forwarding): they are restored one by one.
 */
function stopForwarding(facts: RealServerFacts, family: IpFamily): Step {
  const general = FORWARDING[family];
  const sideEffects = Object.keys(facts.sysctls).filter(
    (path) =>
      (family === 4 && path === settingPath('accept_redirects', 'all')) ||
      (path.startsWith(`net/ipv${family}/`) &&
        path.endsWith('/forwarding') &&
        path !== settingPath('forwarding', 'all', family)),
  );
  const restore = [general, ...sideEffects].map(
    (path): Action => ({ kind: 'set-sysctl', path, value: facts.sysctls[path] ?? '0' }),
  );
  return { action: { kind: 'set-sysctl', path: general, value: '0' }, undo: restore };
}
