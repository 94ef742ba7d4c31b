import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CulvertError } from '../errors.ts';
import type { Tunnel } from '../forwarding/table.ts';
import { errnoOf } from '../linux/errno.ts';
import { formatIp, type IpAddress, type IpFamily } from '../net/ip-address.ts';
import { parseIpv6 } from '../net/ipv6-address.ts';
import { type Action, actionKey } from './action.ts';
import type { RealServerOptions, TeardownOptions } from './options.ts';
import type { Decapsulation } from './plan.ts';
import { outerFamilies } from './tunnel-room.ts';

/** What a set-up changed, and how it is taken back. On disk before the change is made. */
export interface SetupRecord {
  readonly version: 1;
  /** What was changed does not outlive the kernel that it was changed in. */
  readonly bootId: string;
  readonly interface: string;
  readonly decapsulation: Decapsulation;
  /** Left out by versions that knew IPIP alone. */
  readonly tunnel?: Tunnel;
  /** Those of the outer packets; left out by versions that knew IPv4 alone. */
  readonly outerFamilies?: readonly IpFamily[];
  /** In the order in which it is to be done. */
  readonly undo: readonly Action[];
}

type Recorded = Pick<RealServerOptions, 'interface' | 'tunnel' | 'directors'>;

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

export function recordPath({ stateDirectory, instance }: TeardownOptions): string {
  return join(stateDirectory, `realserver-${instance}.json`);
}

/**
 * The record of this boot; undefined when there is none.
 * @throws CulvertError REALSERVER when it cannot be read: it is not to be overwritten then.
 */
export function readRecord(options: TeardownOptions): SetupRecord | undefined {
  const where = recordPath(options);
  try {
    const record = JSON.parse(readFileSync(where, 'utf8'), fromText) as SetupRecord;
    if (record.version !== 1 || !Array.isArray(record.undo)) {
      throw new CulvertError('REALSERVER', 'not a record that this version of culvert can read', { where });
    }
    return record.bootId === currentBootId() ? record : undefined;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    if (cause instanceof CulvertError) throw cause;
    throw new CulvertError('REALSERVER', `cannot read the record of what was before: ${String(cause)}`, {
      where,
      cause,
    });
  }
}

export function newRecord(options: Recorded, decapsulation: Decapsulation): SetupRecord {
  const { interface: name, tunnel } = options;
  return {
    version: 1,
    bootId: currentBootId(),
    interface: name,
    decapsulation,
    tunnel,
    outerFamilies: outerFamilies(options),
    undo: [],
  };
}

/** Whether a set-up only adds to, or changes, what the record tells of; else that is taken back first. */
export function continues(record: SetupRecord, options: Recorded, decapsulation: Decapsulation): boolean {
  const sameDevices =
    decapsulation === 'xdp' || isDeepStrictEqual(record.outerFamilies ?? [4], outerFamilies(options));
  return (
    record.interface === options.interface &&
    record.decapsulation === decapsulation &&
    isDeepStrictEqual(record.tunnel ?? { type: 'ipip' }, options.tunnel) &&
    sameDevices
  );
}

export function writeRecord(options: TeardownOptions, record: SetupRecord): void {
  const path = recordPath(options);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(`${path}.new`, `${JSON.stringify(record, toText, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

export function removeRecord(options: TeardownOptions): void {
  rmSync(recordPath(options), { force: true });
}

/** Of several set-ups in a row the first one saw what was there before. */
export function withUndo(record: SetupRecord, undo: readonly Action[]): SetupRecord {
  const known = new Set(record.undo.map(actionKey));
  const fresh = undo.filter((action) => !known.has(actionKey(action)));
  return { ...record, undo: [...fresh, ...record.undo] };
}

/** IPv4 addresses are numbers in it, as ever; IPv6 ones text, as nothing else in it can look. */
function toText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? formatIp(value as IpAddress) : value;
}

function fromText(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? (parseIpv6(value) ?? value) : value;
}

function currentBootId(): string {
  return readFileSync(BOOT_ID_FILE, 'utf8').trim();
}
