// The differences of two configurations, by service and real server.
import type { ChangeCounts, SettingChange } from '../../contract/api/configuration.ts';
import type { CulvertConfig } from '../../contract/config/config.ts';
import type { DirectorConfig } from '../../contract/config/director-contract.ts';
import type { RealConfig } from '../../contract/config/real-contract.ts';
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import { settingChanges } from './setting-changes.ts';

/** The changes from one configuration to another, with defaults filled in: other words for the same are no change. */
export interface ConfigDiff {
  readonly director: readonly SettingChange[];
  readonly services: readonly ServiceChange[];
}

export interface ServiceChange {
  readonly key: ServiceKey;
  readonly change: 'added' | 'changed' | 'removed';
  /** The changes of the service itself; empty where it is added or removed. */
  readonly settings: readonly SettingChange[];
  /** All of them, where the service is added or removed. */
  readonly reals: readonly RealChange[];
}

export interface RealChange {
  readonly address: IpAddress;
  readonly change: 'added' | 'changed' | 'removed';
  readonly settings: readonly SettingChange[];
}

/** Services in their order in `after`, then those that are removed. */
export function diffConfigs(before: CulvertConfig, after: CulvertConfig): ConfigDiff {
  const former = new Map(before.services.map((service) => [formatServiceName(service), service]));
  const services: ServiceChange[] = [];
  for (const service of after.services) {
    const name = formatServiceName(service);
    const old = former.get(name);
    former.delete(name);
    const change = old === undefined ? wholeService(service, 'added') : diffService(old, service);
    if (change !== undefined) services.push(change);
  }
  for (const gone of former.values()) services.push(wholeService(gone, 'removed'));
  // The interface is the first of the interfaces: once is enough.
  const { interface: _former, ...formerDirector } = before.director;
  const { interface: _name, ...director } = after.director;
  return { director: settingChanges(formerDirector, director), services };
}

export function countChanges({ services }: ConfigDiff): ChangeCounts {
  const reals = services.flatMap((service) => service.reals);
  return {
    servicesAdded: count(services, 'added'),
    servicesChanged: count(services, 'changed'),
    servicesRemoved: count(services, 'removed'),
    realsAdded: count(reals, 'added'),
    realsChanged: count(reals, 'changed'),
    realsRemoved: count(reals, 'removed'),
  };
}

function count(changes: readonly { readonly change: string }[], kind: string): number {
  return changes.filter(({ change }) => change === kind).length;
}

function wholeService(service: ServiceConfig, change: 'added' | 'removed'): ServiceChange {
  const reals = service.reals.map(({ address }) => ({ address, change, settings: [] }));
  return { key: keyOf(service), change, settings: [], reals };
}

function diffService(before: ServiceConfig, after: ServiceConfig): ServiceChange | undefined {
  // A reload leaves most of thousands the same object.
  if (before === after) return undefined;
  const { reals: formerReals, ...former } = before;
  const { reals: newReals, ...options } = after;
  const reals = diffReals(formerReals, newReals);
  const settings = [...settingChanges(former, options), ...orderChange(formerReals, newReals)];
  if (settings.length === 0 && reals.length === 0) return undefined;
  return { key: keyOf(after), change: 'changed', settings, reals };
}

function diffReals(before: readonly RealConfig[], after: readonly RealConfig[]): RealChange[] {
  const former = new Map(before.map((real) => [real.address, real]));
  const changes: RealChange[] = [];
  for (const real of after) {
    const { address } = real;
    const old = former.get(address);
    former.delete(address);
    if (old === undefined) changes.push({ address, change: 'added', settings: [] });
    else {
      const settings = settingChanges(old, real);
      if (settings.length > 0) changes.push({ address, change: 'changed', settings });
    }
  }
  for (const address of former.keys()) changes.push({ address, change: 'removed', settings: [] });
  return changes;
}

/** Schedulers that take turns go by it. */
function orderChange(before: readonly RealConfig[], after: readonly RealConfig[]): SettingChange[] {
  if (before.length !== after.length) return [];
  if (before.every(({ address }, index) => address === after[index]?.address)) return [];
  const stay = new Set(after.map(({ address }) => address));
  if (!before.every(({ address }) => stay.has(address))) return [];
  return [{ setting: 'order of reals', from: 'as it was', to: 'another' }];
}

function keyOf({ vip, protocol, port }: ServiceKey): ServiceKey {
  return { vip, protocol, port };
}

const NEEDS_RESTART = [
  'plane',
  'instance',
  'hashSeed',
  'capacity',
  'listen',
  'metricsListen',
  'stateDirectory',
  'runDirectory',
] as const satisfies readonly (keyof DirectorConfig)[];

/** @param setting Of `director`, as a `SettingChange` has it. */
export function needsRestart(setting: string): boolean {
  return NEEDS_RESTART.some((name) => setting === name || setting.startsWith(`${name}.`));
}

/** Settings that differ and that a running director cannot take on. */
export function settingsForRestart(before: CulvertConfig, after: CulvertConfig): string[] {
  const changed = settingChanges(before.director, after.director).map(({ setting }) => setting);
  return [...new Set(changed.filter(needsRestart).map((setting) => `director.${setting.split('.')[0]}`))];
}
