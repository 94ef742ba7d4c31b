import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CulvertError } from '../errors.ts';
import type { Tunnel } from '../forwarding/table.ts';
import type { BpfDescriptor } from '../linux/bpf/descriptor.ts';
import { BpfMap } from '../linux/bpf/map.ts';
import { mapKeys } from '../linux/bpf/map-keys.ts';
import { type BpfObject, openBpfObject } from '../linux/bpf/object.ts';
import type { BpfProgram } from '../linux/bpf/program.ts';
import { queryXdp } from '../linux/bpf/query.ts';
import { XdpLink, type XdpMode } from '../linux/bpf/xdp-link.ts';
import { pinDirectory } from '../linux/bpffs.ts';
import type { IpAddress } from '../net/ip-address.ts';
import { ownBytes } from '../net/owned-bytes.ts';
import { ANYONE, addressKey, addressOfKey } from './address-keys.ts';
import { type Acceptance, COUNT_NAMES, type DecapsulationCounts, type XdpFacts } from './facts.ts';

export interface AttachOptions {
  readonly interface: string;
  readonly ifIndex: number;
  readonly instance: string;
  readonly vips: readonly IpAddress[];
  /** None: anyone's packets with an outer IPv4 header are accepted. */
  readonly directors: readonly IpAddress[];
  /** The kind that is taken off; its checksum is verified where there is one, whatever `checksum` says. */
  readonly tunnel: Tunnel;
}

const OBJECT_FILE = fileURLToPath(new URL('../../build/bpf/realserver.bpf.o', import.meta.url));
const PROGRAM = 'culvert_realserver';
const PINS = '/sys/fs/bpf/culvert';
/** The director's pins may be in the same directory. */
const PIN_PREFIX = 'realserver_';
/** Mirrors enum tunnel_kind of bpf/tunnel-header.h. */
const TUNNEL_KINDS = ['ipip', 'gre', 'gue'] as const;
const MAPS = ['vips', 'directors', 'tunnels', 'counts'] as const;

/** Loads the program with maps of its own; the counters are those of `counts`, where given. */
export function loadRealServerProgram(
  accepts: Pick<AttachOptions, 'vips' | 'directors' | 'tunnel'>,
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
    fill(object, 'directors', accepts.directors.length === 0 ? [ANYONE[4]] : accepts.directors);
    using tunnels = object.map('tunnels');
    tunnels.update(0, encodeTunnel(accepts.tunnel));
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
 * @throws CulvertError XDP_OCCUPIED when another program came to be on the interface, or the instance is that of another
 *   network namespace.
 */
export function attachProgram(options: AttachOptions): string[] {
  const { instance, ifIndex } = options;
  using former = openFormer(instance, ifIndex);
  if (former !== undefined && former.info().programId !== queryXdp(ifIndex)?.programId)
    throw elsewhere(options);
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
  for (const name of MAPS) {
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
  using tunnels = openPinnedMap(instance, 'tunnels');
  if (vips === undefined || directors === undefined) return undefined;
  return {
    vips: addressesIn(vips),
    directors: addressesIn(directors),
    // A program of the time when there was but one kind has no such map.
    tunnel: decodeTunnel(tunnels?.lookup(0) ?? new Uint8Array(8)),
  };
}

function addressesIn(map: BpfMap): IpAddress[] {
  return mapKeys(map).flatMap((key) => addressOfKey(key) ?? []);
}

/** Mirrors struct accepted_tunnel of bpf/realserver.bpf.c. */
function encodeTunnel(tunnel: Tunnel): Uint8Array {
  const port = tunnel.type === 'gue' ? tunnel.port : 0;
  return new Uint8Array(Uint32Array.of(TUNNEL_KINDS.indexOf(tunnel.type), port).buffer);
}

function decodeTunnel(value: Uint8Array): Acceptance['tunnel'] {
  const [kind = 0, port = 0] = new Uint32Array(ownBytes(value).buffer);
  return { type: TUNNEL_KINDS[kind] ?? 'ipip', port };
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

/** Interfaces of several network namespaces can have one number, while the pins of all may be in one place. */
function elsewhere({ instance, interface: name }: AttachOptions): CulvertError {
  return new CulvertError(
    'XDP_OCCUPIED',
    `the instance ${instance} has its program on an interface of another network namespace: choose another --instance for this one`,
    { where: name },
  );
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

function fill(object: BpfObject, name: string, addresses: readonly IpAddress[]): void {
  using map = object.map(name);
  const present = new Uint8Array(Uint32Array.of(1).buffer);
  for (const address of addresses) map.update(addressKey(address), present);
}
