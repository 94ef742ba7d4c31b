// Refuses what ipvsadm can and culvert cannot, with the alternative.
import type { AdmEndpoint, AdmServerCommand, AdmService, AdmSettings } from './ipvsadm-command.ts';
import { AdmFault } from './ipvsadm-fault.ts';

/** Features of ipvsadm that culvert does not support, each with the alternative. */
const REASONS = {
  gatewaying:
    'culvert does not support direct routing (-g): it reaches reals through tunnels; fix: give -i, and set up the tunnel device on the real (`culvert realserver setup`)',
  unsaid:
    "culvert does not support direct routing (-g), ipvsadm's default: it reaches reals through tunnels; fix: give -i, and set up the tunnel device on the real (`culvert realserver setup`)",
  masquerading:
    'culvert does not support masquerading (-m): it reaches reals through tunnels, and answers do not pass it; fix: give -i',
  mark: 'culvert does not support firewall marks (-f): packets are forwarded before a firewall sees them; fix: use one service with several ports (`port: [80, 443]` in the configuration), or with all ports (-p)',
  engine:
    'culvert does not support persistence engines (--pe): it reads no further than ports; fix: use -p and -M, which keep a client or its network with one real',
  mask: 'culvert does not support this mask; allowed: a mask whose one bits come first, at least one of them, such as -M 255.255.255.0',
  'start-daemon':
    'culvert runs its synchronisation daemon by the configuration: set `director.sync`; directors with scheduler mh and the same `director.hashSeed` need none',
  'stop-daemon': 'culvert runs its synchronisation daemon by the configuration: remove `director.sync`',
} as const;

const MAX_WEIGHT = 65_535;

/** Narrows a service to one that culvert supports. @throws AdmFault */
export function refuseService(of: AdmService): asserts of is Extract<AdmService, AdmEndpoint> {
  if ('mark' in of) throw AdmFault.options(REASONS.mark);
}

export function refuseSettings({ engine, persistence }: AdmSettings): void {
  if (engine !== undefined) throw AdmFault.options(REASONS.engine);
  if (persistence !== undefined && !((persistence.prefix ?? 0) > 0)) throw AdmFault.options(REASONS.mask);
}

/**
 * Refuses unsupported options of a real. Without a method an edited real stays in its tunnel, but an added one would be in none.
 */
export function refuseServer({ name, server: { method, weight } }: AdmServerCommand): void {
  if (method === 'gatewaying' || method === 'masquerading') throw AdmFault.options(REASONS[method]);
  if (method === undefined && name === 'add-server') throw AdmFault.options(REASONS.unsaid);
  if (weight > MAX_WEIGHT) {
    throw AdmFault.options(`culvert does not support weight ${weight}; allowed: 0 to ${MAX_WEIGHT}`);
  }
}

export function daemonRefusal(name: 'start-daemon' | 'stop-daemon'): AdmFault {
  return AdmFault.options(REASONS[name]);
}
