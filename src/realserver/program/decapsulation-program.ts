// The decapsulating XDP program: one for each interface, whatever set-ups share it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CulvertError } from '../../errors.ts';
import { BpfProgram } from '../../linux/bpf/bpf-program.ts';
import { BpfMap } from '../../linux/bpf/map.ts';
import { mapKeys } from '../../linux/bpf/map-keys.ts';
import { type BpfObject, openBpfObject } from '../../linux/bpf/object.ts';
import { queryXdp } from '../../linux/bpf/query.ts';
import { XdpLink, type XdpMode } from '../../linux/bpf/xdp-link.ts';
import { findLink } from '../../linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { AcceptedEntry } from '../facts/facts.ts';
import { type Acceptance, COUNT_NAMES, type DecapsulationCounts, type XdpFacts } from '../facts/facts.ts';
import {
  type AcceptanceMaps,
  accept,
  decodeType,
  readAcceptance,
  refuseDirector,
  refuseEntry,
} from './accepted-table.ts';
import { addressOfKey } from './address-keys.ts';
import {
  findDirector,
  findPins,
  freshPins,
  openLink,
  openPinnedMap,
  type ProgramPins,
  pin,
  pinPath,
  removePins,
} from './program-pins.ts';

export interface Place {
  readonly interface: string;
  readonly ifIndex: number;
}

/** Unchanged: all of it was accepted already, by this very program. */
export interface AcceptOutcome {
  readonly changed: boolean;
  readonly warnings: readonly string[];
}

const OBJECT_FILE = fileURLToPath(new URL('../../../build/bpf/realserver.bpf.o', import.meta.url));
const PROGRAM = 'culvert_realserver';
const MAPS = ['accepted', 'types', 'directors', 'counts'] as const;

/** Loads the program, with maps of its own unless they are given. */
export function loadRealServerProgram(
  accepts: Acceptance,
  reuse: Readonly<Record<string, BpfMap>> = {},
): BpfObject {
  if (!existsSync(OBJECT_FILE)) {
    throw new CulvertError('UNSUPPORTED', 'the BPF program is not built. fix: make bpf (needs clang)', {
      where: OBJECT_FILE,
    });
  }
  const object = openBpfObject(OBJECT_FILE, { reuse });
  try {
    using maps = mapsOf(object);
    accept(maps, accepts);
  } catch (error) {
    object[Symbol.dispose]();
    throw error;
  }
  return object;
}

/**
 * Adds these entries to the program of an interface. Attaches the program where there is none, replaces one of another
 * version without losing a packet, and pins it, so that it outlives the process.
 * @throws CulvertError XDP_OCCUPIED when another program is attached to the interface.
 */
export function acceptOn(place: Place, wanted: Acceptance): AcceptOutcome {
  const attached = queryXdp(place.ifIndex);
  if (attached === undefined) return attachFresh(place, wanted);
  const pins = findPins(attached.programId);
  if (pins === undefined) {
    throw new CulvertError(
      'XDP_OCCUPIED',
      `another XDP program (id ${attached.programId}) is attached to this interface`,
      {
        where: place.interface,
      },
    );
  }
  return pins.prefix === '' ? acceptMore(pins, wanted) : takeOver(pins, place, wanted);
}

/** Removes an entry, if it is there. Removing the last entry detaches the program. */
export function refuseOn(ifIndex: number, entry: AcceptedEntry): void {
  const pins = pinsOn(ifIndex);
  if (pins === undefined) return;
  if (pins.prefix === '') {
    using maps = openMaps(pins);
    if (maps !== undefined && refuseEntry(maps, entry)) return;
  } else {
    using vips = openPinnedMap(pins, 'vips');
    const known = formerAcceptance(pins)?.entries ?? [];
    const key = vips && mapKeys(vips).find((each) => addressOfKey(each) === entry.vip);
    if (vips !== undefined && key !== undefined) vips.delete(key);
    if (known.some(({ vip }) => vip !== entry.vip)) return;
  }
  using link = openLink(pins);
  link.detach();
  removePins(pins);
}

export function refuseDirectorOn(ifIndex: number, director: IpAddress): void {
  const pins = pinsOn(ifIndex);
  using directors = pins && openPinnedMap(pins, 'directors');
  if (directors !== undefined && pins?.prefix === '') refuseDirector({ directors }, director);
}

/** The XDP program on an interface, and what it accepts if it is culvert's. */
export function observeProgram(ifIndex: number): XdpFacts | undefined {
  const attached = queryXdp(ifIndex);
  if (attached === undefined) return undefined;
  const pins = findPins(attached.programId);
  if (pins === undefined) {
    const director = findDirector(attached.programId);
    return { ...attached, ours: false, director, accepts: undefined, counts: undefined };
  }
  return { ...attached, ours: true, accepts: acceptance(pins), counts: readCounts(pins) };
}

/** Returns what culvert's program on an interface accepts; undefined when there is no such program. */
export function acceptanceOf(name: string): Acceptance | undefined {
  using socket = new NetlinkSocket();
  const link = findLink(socket, name);
  return link?.xdpProgramId === undefined ? undefined : observeProgram(link.index)?.accepts;
}

export function countsOf(map: BpfMap): DecapsulationCounts {
  const sums = map.sumOverCpus();
  return Object.fromEntries(
    COUNT_NAMES.map((name, at) => [name, Number(sums[at])]),
  ) as unknown as DecapsulationCounts;
}

function attachFresh(place: Place, wanted: Acceptance): AcceptOutcome {
  using object = loadRealServerProgram(wanted);
  using program = object.program(PROGRAM);
  const warnings: string[] = [];
  using link = attach(program, place, warnings);
  pinAll(freshPins(place.ifIndex), link, object);
  return { changed: true, warnings };
}

/** Adds entries to the existing maps, which other set-ups share. */
function acceptMore(pins: ProgramPins, wanted: Acceptance): AcceptOutcome {
  using link = openLink(pins);
  using stack = new DisposableStack();
  const reuse = Object.fromEntries(
    MAPS.flatMap((name) => {
      const map = openPinnedMap(pins, name);
      if (map === undefined) return [];
      stack.use(map);
      return name === 'counts' && map.maxEntries !== COUNT_NAMES.length ? [] : [[name, map] as const];
    }),
  );
  using object = loadRealServerProgram({ entries: [], directors: [] }, reuse);
  using maps = mapsOf(object);
  const added = accept(maps, wanted);
  using program = object.program(PROGRAM);
  const current = isPinned(pins, program);
  if (!current) {
    link.update(program);
    pinAll(pins, link, object);
  }
  return { changed: added || !current, warnings: [] };
}

/** Replaces a program of an earlier version, and keeps what it accepts and has counted. */
function takeOver(former: ProgramPins, place: Place, wanted: Acceptance): AcceptOutcome {
  using counts = openPinnedMap(former, 'counts');
  const reuse = counts?.maxEntries === COUNT_NAMES.length ? { counts } : {};
  const accepts = formerAcceptance(former) ?? { entries: [], directors: [] };
  using object = loadRealServerProgram(
    {
      entries: [...accepts.entries, ...wanted.entries],
      directors: [...accepts.directors, ...wanted.directors],
    },
    reuse,
  );
  using program = object.program(PROGRAM);
  using link = openLink(former);
  link.update(program);
  pinAll(freshPins(place.ifIndex), link, object);
  removePins(former);
  return { changed: true, warnings: [] };
}

function pinAll(pins: ProgramPins, link: XdpLink, object: BpfObject): void {
  using program = object.program(PROGRAM);
  pin(pins, 'program', program);
  for (const name of MAPS) {
    using map = object.map(name);
    pin(pins, name, map);
  }
  pin(pins, 'link', link);
}

function isPinned(pins: ProgramPins, program: BpfProgram): boolean {
  const path = pinPath(pins, 'program');
  if (!existsSync(path)) return false;
  using pinned = BpfProgram.openPinned(path);
  return pinned.info().tag === program.info().tag;
}

function pinsOn(ifIndex: number): ProgramPins | undefined {
  const attached = queryXdp(ifIndex);
  return attached === undefined ? undefined : findPins(attached.programId);
}

function readCounts(pins: ProgramPins): DecapsulationCounts | undefined {
  using map = openPinnedMap(pins, 'counts');
  if (map === undefined || map.maxEntries !== COUNT_NAMES.length) return undefined;
  return countsOf(map);
}

function acceptance(pins: ProgramPins): Acceptance | undefined {
  if (pins.prefix !== '') return formerAcceptance(pins);
  using maps = openMaps(pins);
  return maps && readAcceptance(maps);
}

/** A program of the time when there was but one kind of tunnel at a time has VIPs beside it. */
function formerAcceptance(pins: ProgramPins): Acceptance | undefined {
  using vips = openPinnedMap(pins, 'vips');
  using directors = openPinnedMap(pins, 'directors');
  using tunnels = openPinnedMap(pins, 'tunnels');
  if (vips === undefined || directors === undefined) return undefined;
  // Earlier versions had a single kind of tunnel and no such map.
  const type = decodeType(tunnels?.lookup(0) ?? new Uint8Array(8));
  return {
    entries: addressesIn(vips).map((vip) => ({ vip, ...type })),
    directors: addressesIn(directors),
  };
}

function addressesIn(map: BpfMap): IpAddress[] {
  return mapKeys(map).flatMap((key) => addressOfKey(key) ?? []);
}

function openMaps(pins: ProgramPins): (AcceptanceMaps & Disposable) | undefined {
  const [accepted, types, directors] = (['accepted', 'types', 'directors'] as const).map((name) =>
    openPinnedMap(pins, name),
  );
  return accepted && types && directors && disposable({ accepted, types, directors });
}

function mapsOf(object: BpfObject): AcceptanceMaps & Disposable {
  return disposable({
    accepted: object.map('accepted'),
    types: object.map('types'),
    directors: object.map('directors'),
  });
}

function disposable(maps: AcceptanceMaps): AcceptanceMaps & Disposable {
  return {
    ...maps,
    [Symbol.dispose](): void {
      for (const map of [maps.accepted, maps.types, maps.directors]) map[Symbol.dispose]();
    },
  };
}

function attach(program: BpfProgram, place: Place, warnings: string[]): XdpLink {
  const create = (mode: XdpMode): XdpLink => XdpLink.create(program, place.ifIndex, mode);
  try {
    return create('native');
  } catch (error) {
    if (!(error instanceof CulvertError) || error.code !== 'KERNEL') throw error;
    const link = create('generic');
    warnings.push(`${place.interface} does not support native XDP. Generic XDP is used, which is slower`);
    return link;
  }
}
