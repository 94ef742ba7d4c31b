// Makes this host a real server, or adds VIPs to one.
import { CulvertError } from '../errors.ts';
import { observe } from './facts/observe.ts';
import { type RealServerOptions, servedKey } from './options.ts';
import { Changes } from './plan/changes.ts';
import { chooseDecapsulation, type Decapsulation, plan } from './plan/plan-setup.ts';
import { contradictions, together } from './plan/wanted.ts';
import { requirePrivilege } from './privilege.ts';
import { newRecord, readRecord } from './record/record.ts';
import { teardownRealServer } from './teardown.ts';

export interface SetupSummary {
  readonly decapsulation: Decapsulation;
  /** The changes made, in words. */
  readonly done: readonly string[];
  readonly warnings: readonly string[];
}

/** Names a file, an nft table and the rules of iptables. */
const INSTANCE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const PURPOSE = 'setting up a real server';

/**
 * Makes this host a real server for the VIPs, in addition to those that it serves already. What was there before is on
 * record before each change, so that `teardownRealServer` restores it, also after a set-up that failed half-way.
 * @throws CulvertError PERMISSION, USAGE, INTERFACE, XDP_OCCUPIED, UNSUPPORTED, KERNEL or REALSERVER.
 */
export function setupRealServer(options: RealServerOptions): SetupSummary {
  requirePrivilege(PURPOSE, options.decapsulation);
  checkOptions(options);
  const former = readRecord(options);
  const wanted = together(former, options);
  const before = observe(wanted);
  const asked = options.decapsulation === 'auto' ? (former?.decapsulation ?? 'auto') : options.decapsulation;
  const way = chooseDecapsulation(before, wanted, asked);
  if (way === 'xdp') requirePrivilege(PURPOSE, 'xdp');
  plan(before, wanted, way); // throws on what cannot work, before anything is changed
  const restored =
    former === undefined || former.decapsulation === way
      ? { done: [], warnings: [] }
      : teardownRealServer({ stateDirectory: options.stateDirectory, instance: options.instance });
  const changes = new Changes(options, readRecord(options) ?? newRecord(wanted, way));
  changes.converge(wanted, way);
  return {
    decapsulation: way,
    done: [...restored.done, ...changes.done],
    warnings: [...contradictions(former, options), ...restored.warnings, ...changes.warnings],
  };
}

function checkOptions({ serves, instance }: RealServerOptions): void {
  if (serves.length === 0) throw new CulvertError('USAGE', 'no VIP is named. fix: name one (--vip)');
  if (new Set(serves.map(servedKey)).size !== serves.length) {
    throw new CulvertError('USAGE', 'a VIP is named twice with the same tunnel');
  }
  if (!INSTANCE.test(instance)) {
    throw new CulvertError(
      'USAGE',
      `"${instance}" is not a valid instance name; allowed: at most 64 letters, digits and "_.-", the first a letter or digit`,
    );
  }
}
