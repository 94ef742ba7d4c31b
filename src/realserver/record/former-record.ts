// Records of versions that knew one tunnel for each set-up.
import type { Tunnel } from '../../forwarding/forwarding-table.ts';
import { familyOf, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import type { Acceptance, AcceptedEntry, FirewallTool } from '../facts/facts.ts';
import { typeOf } from '../options.ts';
import type { Action } from '../plan/action.ts';
import type { Decapsulation } from '../plan/plan-setup.ts';
import { ANYONE } from '../program/address-keys.ts';
import type { SetupRecord } from './setup-record.ts';

export interface FormerRecord {
  readonly version: 1;
  readonly bootId: string;
  readonly interface: string;
  readonly decapsulation: Decapsulation;
  /** Missing in records of versions that supported only IPIP. */
  readonly tunnel?: Tunnel;
  /** Address families of the outer packets; missing in records of versions that supported only IPv4. */
  readonly outerFamilies?: readonly IpFamily[];
  readonly undo: readonly FormerAction[];
}

type FormerAction =
  | Exclude<Action, { kind: 'unclamp' | 'refuse' | 'refuse-director' }>
  | {
      readonly kind: 'unclamp';
      readonly clamp: {
        readonly tool: FirewallTool;
        readonly instance: string;
        readonly vips: readonly IpAddress[];
        readonly mss: number;
      };
    }
  | { readonly kind: 'detach'; readonly instance: string };

/**
 * @param acceptance what the program on the interface accepts, as such a record does not say it; undefined: there is none.
 */
export function upgraded(
  former: FormerRecord,
  acceptance: Acceptance | undefined,
  namespace: number,
): SetupRecord {
  const tunnel = former.tunnel ?? { type: 'ipip' };
  const serves = formerVips(former, acceptance).map((vip) => ({ vip, tunnel, mss: formerMss(former, vip) }));
  const families = former.outerFamilies ?? [4];
  return {
    version: 2,
    bootId: former.bootId,
    namespace,
    interface: former.interface,
    decapsulation: former.decapsulation,
    serves,
    directors: acceptance?.directors ?? families.map((family) => ANYONE[family]),
    undo: former.undo.flatMap((action) => upgradedAction(former, action, serves, acceptance)),
  };
}

function formerVips(former: FormerRecord, acceptance: Acceptance | undefined): readonly IpAddress[] {
  const recorded = former.undo.flatMap((action) => {
    if (action.kind === 'delete-address') return [action.address];
    return action.kind === 'unclamp' ? action.clamp.vips : [];
  });
  return [...new Set([...(acceptance?.entries ?? []).map(({ vip }) => vip), ...recorded])];
}

/** Set by hand or computed is not on record: the value is kept. */
function formerMss(former: FormerRecord, vip: IpAddress): number | 'none' {
  const clamp = former.undo.find(
    (action) => action.kind === 'unclamp' && familyOf(action.clamp.vips[0] ?? vip) === familyOf(vip),
  );
  return clamp?.kind === 'unclamp' ? clamp.clamp.mss : 'none';
}

function upgradedAction(
  former: FormerRecord,
  action: FormerAction,
  serves: SetupRecord['serves'],
  acceptance: Acceptance | undefined,
): Action[] {
  if (action.kind === 'unclamp') {
    const { tool, instance, vips } = action.clamp;
    return [{ kind: 'unclamp', clamp: { tool, instance, family: familyOf(vips[0] ?? ANYONE[4]) } }];
  }
  if (action.kind !== 'detach') return [action];
  const { interface: name } = former;
  const entries: readonly AcceptedEntry[] =
    acceptance?.entries ?? serves.map(({ vip, tunnel }) => ({ vip, ...typeOf(tunnel) }));
  return [
    ...entries.map((entry): Action => ({ kind: 'refuse', interface: name, entry })),
    ...(acceptance?.directors ?? []).map(
      (director): Action => ({ kind: 'refuse-director', interface: name, director }),
    ),
  ];
}
