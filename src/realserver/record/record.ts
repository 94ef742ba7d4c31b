// The record of a set-up on disk: what it serves and what it changed.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CulvertError } from '../../errors.ts';
import { errnoOf } from '../../linux/errno.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import { parseIpv6 } from '../../net/address/ipv6-address.ts';
import type { Acceptance } from '../facts/facts.ts';
import type { InstanceOptions, Wanted } from '../options.ts';
import { type Action, actionKey } from '../plan/action.ts';
import type { Decapsulation } from '../plan/plan-setup.ts';
import { acceptanceOf } from '../program/decapsulation-program.ts';
import { networkNamespace } from '../program/program-pins.ts';
import { type FormerRecord, upgraded } from './former-record.ts';
import type { SetupRecord } from './setup-record.ts';

export interface NamedRecord extends InstanceOptions {
  readonly record: SetupRecord;
}

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';
const FILE_PREFIX = 'realserver-';
const FILE_SUFFIX = '.json';

export function recordPath({ stateDirectory, instance }: InstanceOptions): string {
  return join(stateDirectory, `${FILE_PREFIX}${instance}${FILE_SUFFIX}`);
}

/**
 * The record of this boot; undefined when there is none.
 * @throws CulvertError REALSERVER when it cannot be read, or is that of another network namespace: it must not be
 *   overwritten then.
 */
export function readRecord(options: InstanceOptions): SetupRecord | undefined {
  const record = readStored(options);
  if (record === undefined || record.bootId !== currentBootId()) return undefined;
  const { instance } = options;
  if (record.namespace === networkNamespace()) return record;
  throw new CulvertError(
    'REALSERVER',
    `the set-up "${instance}" belongs to another network namespace (net:[${record.namespace}]). fix: use another --instance or --state-directory in this namespace; if the other namespace no longer exists, delete this file`,
    { where: recordPath(options) },
  );
}

/** The record of this or of an earlier boot, whose changes are gone. @throws CulvertError REALSERVER */
export function readStored(options: InstanceOptions): SetupRecord | undefined {
  const where = recordPath(options);
  try {
    const record = JSON.parse(readFileSync(where, 'utf8'), fromText) as SetupRecord | FormerRecord;
    if (![1, 2].includes(record.version) || !Array.isArray(record.undo)) {
      throw new CulvertError('REALSERVER', 'this version of culvert cannot read this record', { where });
    }
    return record.version === 1 ? upgraded(record, formerAcceptance(record), networkNamespace()) : record;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    if (cause instanceof CulvertError) throw cause;
    throw new CulvertError(
      'REALSERVER',
      `cannot read the record of the previous settings: ${String(cause)}`,
      {
        where,
        cause,
      },
    );
  }
}

/** The set-ups of this network namespace that are on record in a directory, the one named first. */
export function allRecords(options: InstanceOptions): readonly NamedRecord[] {
  const record = readRecord(options);
  return [...(record === undefined ? [] : [{ ...options, record }]), ...otherRecords(options)];
}

/** The other set-ups of this network namespace that are on record in the same directory. Unreadable ones are left out. */
export function otherRecords(options: InstanceOptions): readonly NamedRecord[] {
  if (!existsSync(options.stateDirectory)) return [];
  return readdirSync(options.stateDirectory)
    .filter((name) => name.startsWith(FILE_PREFIX) && name.endsWith(FILE_SUFFIX))
    .map((name) => name.slice(FILE_PREFIX.length, -FILE_SUFFIX.length))
    .filter((instance) => instance !== options.instance)
    .flatMap((instance) => {
      const naming = { stateDirectory: options.stateDirectory, instance };
      try {
        const record = readRecord(naming);
        return record === undefined ? [] : [{ ...naming, record }];
      } catch {
        return [];
      }
    });
}

export function newRecord(wanted: Wanted, decapsulation: Decapsulation): SetupRecord {
  const { interface: name } = wanted;
  return {
    version: 2,
    bootId: currentBootId(),
    namespace: networkNamespace(),
    interface: name,
    decapsulation,
    serves: [],
    directors: [],
    undo: [],
  };
}

export function writeRecord(options: InstanceOptions, record: SetupRecord): void {
  const path = recordPath(options);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(`${path}.new`, `${JSON.stringify(record, toText, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new CulvertError(
      'REALSERVER',
      `cannot save the record of the previous settings: ${String(cause)}`,
      {
        where: path,
        cause,
      },
    );
  }
}

export function removeRecord(options: InstanceOptions): void {
  rmSync(recordPath(options), { force: true });
}

/** Adds undo actions to a record. Known ones stay: of several set-ups in a row the first one saw the previous settings. */
export function withUndo(record: SetupRecord, undo: readonly Action[]): SetupRecord {
  const known = new Set(record.undo.map(actionKey));
  const fresh = undo.filter((action) => !known.has(actionKey(action)));
  return { ...record, undo: [...fresh, ...record.undo] };
}

/** Asks the running program, which exists only if the record is of this boot. */
function formerAcceptance(record: FormerRecord): Acceptance | undefined {
  if (record.decapsulation !== 'xdp' || record.bootId !== currentBootId()) return undefined;
  return acceptanceOf(record.interface);
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
