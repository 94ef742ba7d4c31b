import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CulvertError } from '../errors.ts';
import type { BpfDescriptor } from '../linux/bpf/descriptor.ts';
import { BpfMap } from '../linux/bpf/map.ts';
import { mapKeys } from '../linux/bpf/map-keys.ts';
import { type BpfObject, openBpfObject } from '../linux/bpf/object.ts';
import type { BpfProgram } from '../linux/bpf/program.ts';
import { queryXdp } from '../linux/bpf/query.ts';
import { XdpLink, type XdpMode } from '../linux/bpf/xdp-link.ts';
import { pinDirectory } from '../linux/bpffs.ts';
import type { Ipv4Address } from '../net/ipv4-address.ts';
import { type Acceptance, COUNT_NAMES, type DecapsulationCounts, type XdpFacts } from './facts.ts';

export interface AttachOptions {
  readonly interface: string;
  readonly ifIndex: number;
  readonly instance: string;
  readonly vips: readonly Ipv4Address[];
  /** None: anyone's packets are accepted. */
  readonly directors: readonly Ipv4Address[];
}

const OBJECT_FILE = fileURLToPath(new URL('../../build/bpf/realserver.bpf.o', import.meta.url));
const PROGRAM = 'culvert_realserver';
const PINS = '/sys/fs/bpf/culvert';
/** The director's pins may be in the same directory. */
const PIN_PREFIX = 'realserver_';
const ANYONE = 0 as Ipv4Address;

/** Loads the program with maps of its own; the counters are those of `counts`, where given. */
export function loadRealServerProgram(
  accepts: Pick<AttachOptions, 'vips' | 'directors'>,
  counts?: BpfMap,
): BpfObject {
  if (!existsSync(OBJECT_FILE)) {
    throw new CulvertError('UNSUPPORTED', 'the BPF program is not built: run "make bpf" (needs clang)', {
      where: OBJECT_FILE,
    });
  }
  const object = openBpfObject(OBJECT_FILE, counts === undefined ? {} : { reuse: { counts } });
  try {
    fill(object, 'vips', accepts.vips);
    fill(object, 'directors', accepts.directors.length === 0 ? [ANYONE] : accepts.directors);
  } catch (error) {
    object[Symbol.dispose]();
    throw error;
  }
  return object;
}

/**
 * Attaches the program, or puts it in the place of a former one of this instance without losing a packet, and pins it,
 * so that it outlives the process.
 * @returns what an operator should be warned of.
 * @throws CulvertError XDP_OCCUPIED when another program came to be on the interface.
 */
export function attachProgram(options: AttachOptions): string[] {
  const { instance, ifIndex } = options;
  using former = openFormer(instance, ifIndex);
  using counts = openPinnedMap(instance, 'counts');
  using object = loadRealServerProgram(
    options,
    counts?.maxEntries === COUNT_NAMES.length ? counts : undefined,
  );
  using program = object.program(PROGRAM);
  const warnings: string[] = [];
  if (former === undefined) {
    using link = attach(program, options, warnings);
    pin(instance, 'link', link);
  } else {
    former.update(program);
  }
  for (const name of ['vips', 'directors', 'counts']) {
    using map = object.map(name);
    pin(instance, name, map);
  }
  return warnings;
}

/** Takes away the program and every pin of the instance; nothing happens where there is none. */
export function detachProgram(instance: string): void {
  const directory = pinsOf(instance);
  if (!existsSync(directory)) return;
  const pins = readdirSync(directory).filter((name) => name.startsWith(PIN_PREFIX));
  if (pins.includes(`${PIN_PREFIX}link`)) {
    using link = XdpLink.openPinned(pinPath(instance, 'link'));
    if (link.info().ifIndex !== 0) link.detach();
  }
  for (const name of pins) rmSync(join(directory, name));
  // The directory above stays: another instance may be about to make its own in there.
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}

/** The XDP program on an interface, and what it accepts if it is this instance's. */
export function observeProgram(instance: string, ifIndex: number): XdpFacts | undefined {
  const attached = queryXdp(ifIndex);
  if (attached === undefined) return undefined;
  using link = openFormer(instance, ifIndex);
  const ours = link?.info().programId === attached.programId;
  if (!ours) return { ...attached, ours, accepts: undefined, counts: undefined };
  return { ...attached, ours, accepts: acceptance(instance), counts: readCounts(instance) };
}

function readCounts(instance: string): DecapsulationCounts | undefined {
  using map = openPinnedMap(instance, 'counts');
  if (map === undefined || map.maxEntries !== COUNT_NAMES.length) return undefined;
  return countsOf(map);
}

export function countsOf(map: BpfMap): DecapsulationCounts {
  const sums = map.sumOverCpus();
  return Object.fromEntries(
    COUNT_NAMES.map((name, at) => [name, Number(sums[at])]),
  ) as unknown as DecapsulationCounts;
}

function acceptance(instance: string): Acceptance | undefined {
  using vips = openPinnedMap(instance, 'vips');
  using directors = openPinnedMap(instance, 'directors');
  if (vips === undefined || directors === undefined) return undefined;
  const sources = mapKeys(directors).map(swapped);
  return {
    vips: mapKeys(vips).map(swapped),
    directors: sources.includes(ANYONE) ? 'anyone' : sources,
  };
}

function attach(program: BpfProgram, options: AttachOptions, warnings: string[]): XdpLink {
  const create = (mode: XdpMode): XdpLink => XdpLink.create(program, options.ifIndex, mode);
  try {
    return create('native');
  } catch (error) {
    if (!(error instanceof CulvertError) || error.code !== 'KERNEL') throw error;
    const link = create('generic');
    warnings.push(`${options.interface} cannot do native XDP, so generic XDP is used: it is slower`);
    return link;
  }
}

/** The link that a former set-up pinned, if it still holds this interface. */
function openFormer(instance: string, ifIndex: number): XdpLink | undefined {
  const path = pinPath(instance, 'link');
  if (!existsSync(path)) return undefined;
  const link = XdpLink.openPinned(path);
  if (link.info().ifIndex === ifIndex) return link;
  link[Symbol.dispose]();
  return undefined;
}

function openPinnedMap(instance: string, name: string): BpfMap | undefined {
  const path = pinPath(instance, name);
  return existsSync(path) ? BpfMap.openPinned(path) : undefined;
}

/** In the place of what had the name before, at once. */
function pin(instance: string, name: string, descriptor: BpfDescriptor): void {
  pinDirectory(pinName(instance));
  const path = pinPath(instance, name);
  const fresh = `${path}_new`;
  rmSync(fresh, { force: true });
  descriptor.pin(fresh);
  renameSync(fresh, path);
}

function pinPath(instance: string, name: string): string {
  return join(pinsOf(instance), `${PIN_PREFIX}${name}`);
}

function pinsOf(instance: string): string {
  return join(PINS, pinName(instance));
}

/** bpffs refuses names with dots, as VLAN interfaces have them. */
function pinName(instance: string): string {
  return instance.replaceAll('.', '_');
}

function fill(object: BpfObject, name: string, addresses: readonly Ipv4Address[]): void {
  using map = object.map(name);
  const present = new Uint8Array(Uint32Array.of(1).buffer);
  for (const address of addresses) map.update(swapped(address), present);
}

/** Between host and network byte order, both little-endian machines' numbers. */
function swapped(address: number): Ipv4Address {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address >>> 0);
  return bytes.readUInt32LE() as Ipv4Address;
}
