// Computes what is wanted after a set-up, which adds, or a teardown, which removes.
import { CulvertError } from '../../errors.ts';
import { familyOf, formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import {
  type RealServerOptions,
  type ServedAs,
  servedKey,
  type TeardownOptions,
  type TunnelType,
  tunnelsOf,
  typeOf,
  typeText,
  vipsOf,
  type Wanted,
} from '../options.ts';
import { ANYONE } from '../program/address-keys.ts';
import { directorText } from './action.ts';

/** The current set-up. */
export type Present = Pick<Wanted, 'serves' | 'directors' | 'interface'>;

/**
 * Combines what is served and what is requested. The request decides on the MSS of its VIPs where it gives one, and on the
 * checksums of its tunnels.
 * @throws CulvertError REALSERVER when the set-up is on another interface
 */
export function together(present: Present | undefined, options: RealServerOptions): Wanted {
  const { interface: name, instance } = options;
  if (present !== undefined && present.interface !== name) {
    throw new CulvertError(
      'REALSERVER',
      `the set-up "${instance}" uses ${present.interface}, not ${name}. fix: use another set-up for ${name} (--instance ${name}), or remove this one first: culvert realserver teardown${naming(instance)}`,
    );
  }
  const former = present?.serves ?? [];
  const asked = options.serves.map((served): ServedAs => {
    const known = former.find(({ vip }) => vip === served.vip)?.mss;
    return { ...served, mss: options.mss ?? served.mss ?? known ?? 'auto' };
  });
  const kept = former
    .filter((served) => !asked.some((other) => servedKey(other) === servedKey(served)))
    .map((served) => ({ ...served, mss: asked.find(({ vip }) => vip === served.vip)?.mss ?? served.mss }));
  const directors = [...new Set([...(present?.directors ?? []), ...options.directors])];
  return {
    serves: [...kept, ...asked],
    directors: directors.length === 0 ? [ANYONE[4]] : directors,
    interface: name,
    instance,
  };
}

/** Warnings where a request differs from what an earlier one left, and both are served. */
export function contradictions(present: Present | undefined, options: RealServerOptions): string[] {
  if (present === undefined) return [];
  return [...tunnelContradictions(present, options), ...directorContradictions(present, options)];
}

function tunnelContradictions(present: Present, { serves, instance }: RealServerOptions): string[] {
  return vipsOf(serves).flatMap((vip) => {
    const [before, asked] = [present.serves, serves].map((all) =>
      tunnelsOf(all.filter((served) => served.vip === vip)).map((tunnel) => typeOf(tunnel)),
    ) as [TunnelType[], TunnelType[]];
    const others = before.filter((type) => !asked.some((other) => typeText(other) === typeText(type)));
    if (others.length === 0) return [];
    const words = others.map(({ type, port }) => `--tunnel ${port === 0 ? type : `${type}:${port}`}`);
    const remove = `culvert realserver teardown --vip ${formatIp(vip)} ${words.join(' ')}${naming(instance)}`;
    return [
      `an earlier set-up also accepts ${formatIp(vip)} in ${others.map(typeText).join(', ')}. To stop this: ${remove}`,
    ];
  });
}

function directorContradictions(present: Present, { directors, instance }: RealServerOptions): string[] {
  const named = directors.filter((director) => director !== ANYONE[familyOf(director)]);
  if (named.length === 0) return [];
  return present.directors
    .filter((director) => director === ANYONE[familyOf(director)] && !directors.includes(director))
    .map(
      (director) =>
        `an earlier set-up accepts tunnel packets from ${directorText(director)}. To stop this: culvert realserver teardown --director ${formatIp(director)}${naming(instance)}`,
    );
}

/**
 * Returns what is left after a removal; undefined if nothing is.
 * @throws CulvertError REALSERVER when no director would be left for the remaining VIPs
 */
export function without(present: Wanted, options: TeardownOptions): Wanted | undefined {
  const { vips, tunnels, directors = [], serves: exactly = [] } = options;
  const named = vips !== undefined || tunnels !== undefined;
  const serves = present.serves.filter((served) => {
    if (exactly.some((other) => servedKey(other) === servedKey(served))) return false;
    return !(named && (vips?.includes(served.vip) ?? true) && (tunnels?.some(isOf(served)) ?? true));
  });
  if (serves.length === 0) return undefined;
  const left = present.directors.filter((director) => !directors.includes(director));
  if (left.length === 0) {
    throw new CulvertError(
      'REALSERVER',
      `no director would be left for ${list(vipsOf(serves))}. fix: add the other director first (setup --director), or remove the VIPs (teardown --vip)`,
    );
  }
  return { ...present, serves, directors: left };
}

function isOf({ tunnel }: ServedAs): (type: TunnelType) => boolean {
  const own = typeOf(tunnel);
  return ({ type, port }) => type === own.type && (port === 0 || port === own.port);
}

function list(addresses: readonly IpAddress[]): string {
  return addresses.map((address) => formatIp(address)).join(', ');
}

function naming(instance: string): string {
  return instance === 'default' ? '' : ` --instance ${instance}`;
}
