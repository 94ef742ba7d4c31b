import type { AdmEndpoint, AdmServerCommand, AdmService, AdmSettings } from './command.ts';
import { AdmFault } from './fault.ts';

/** What ipvsadm can have done and culvert cannot, each with what to do instead. */
const REASONS = {
  gatewaying:
    "direct routing (-g) is not possible here: culvert reaches reals through tunnels; give -i, and have the real's tunnel device up (`culvert realserver setup`)",
  unsaid:
    "ipvsadm's default, direct routing (-g), is not possible here: culvert reaches reals through tunnels; give -i, and have the real's tunnel device up (`culvert realserver setup`)",
  masquerading:
    'masquerading (-m) is not possible here: answers do not pass culvert, which reaches reals through tunnels; give -i',
  mark: 'firewall marks (-f) are not possible here: packets are forwarded before a firewall sees them; one service can have several ports (`port: [80, 443]` in its configuration), or all with -p',
  engine:
    'persistence engines (--pe) are not possible here: culvert looks no deeper than ports; -p and -M keep a client, or its network, with a real',
  mask: 'this mask is not possible here: its ones have to come first, and be at least one; allowed: such as -M 255.255.255.0',
  'start-daemon':
    'there is no synchronisation daemon here, and none is needed: directors with the same services, scheduler mh and `director.hashSeed` choose the same reals',
  'stop-daemon': 'there is no synchronisation daemon here that could be stopped',
} as const;

const MAX_WEIGHT = 65_535;

/** Narrows a service to one that can be here. @throws AdmFault */
export function refuseService(of: AdmService): asserts of is Extract<AdmService, AdmEndpoint> {
  if ('mark' in of) throw AdmFault.options(REASONS.mark);
}

export function refuseSettings({ engine, persistence }: AdmSettings): void {
  if (engine !== undefined) throw AdmFault.options(REASONS.engine);
  if (persistence !== undefined && !((persistence.prefix ?? 0) > 0)) throw AdmFault.options(REASONS.mask);
}

/** Without a method a real that is edited stays in its tunnel, and one that is added would be in none. */
export function refuseServer({ name, server: { method, weight } }: AdmServerCommand): void {
  if (method === 'gatewaying' || method === 'masquerading') throw AdmFault.options(REASONS[method]);
  if (method === undefined && name === 'add-server') throw AdmFault.options(REASONS.unsaid);
  if (weight > MAX_WEIGHT) {
    throw AdmFault.options(`weight ${weight} is not possible here; allowed: 0 to ${MAX_WEIGHT}`);
  }
}

export function daemonRefusal(name: 'start-daemon' | 'stop-daemon'): AdmFault {
  return AdmFault.options(REASONS[name]);
}
