// The maps of the fast path, pinned so that they outlive the daemon.
import { mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  FLOW_WAYS,
  LAYOUT_VERSION,
  SETTINGS,
  SLOTS_PER_LINE,
} from '../../../forwarding/image/tables/layout.ts';
import { type ImageCapacity, type ImageMemory, imageSizes } from '../../../forwarding/image/tables/memory.ts';
import { BpfMap } from '../../../linux/bpf/map.ts';
import { type BpfObject, openBpfObject } from '../../../linux/bpf/object.ts';
import { errnoOf } from '../../../linux/errno.ts';

/** Name of the BPF map behind each buffer of the image. */
const IMAGE_MAPS: Readonly<Record<keyof ImageMemory, string>> = {
  settings: 'settings',
  services: 'services',
  noClients: 'no_clients',
  slots: 'slots',
  reals: 'reals',
  flows: 'flows',
  flowClients: 'flow_clients',
  flowCounts: 'flow_counts',
  cursors: 'cursors',
  slowCounters: 'slow_counters',
  reasons: 'reasons',
};
const COUNTERS_MAP = 'counters';
const HAND_OVER_MAP = 'hand_over';
const CHECK_WORDS_MAP = 'check_words';
const MAP_NAMES: readonly string[] = [
  ...Object.values(IMAGE_MAPS),
  COUNTERS_MAP,
  HAND_OVER_MAP,
  CHECK_WORDS_MAP,
];

/** The maps that every run fills again, so that a run may create them, for example after an upgrade. */
const FILLED_ANEW: readonly string[] = [IMAGE_MAPS.noClients, HAND_OVER_MAP, CHECK_WORDS_MAP];

/** The maps of one forwarding image, by name. */
export type ImageMaps = Readonly<Record<string, BpfMap>>;

/** Returns the number of entries of the maps that depend on the capacity. */
export function mapSizes(capacity: ImageCapacity): Record<string, number> {
  const flowSets = capacity.flows / FLOW_WAYS;
  return { slots: capacity.slots / SLOTS_PER_LINE, flows: flowSets, flow_clients: flowSets };
}

export function mapsOf(object: BpfObject): ImageMaps {
  return Object.fromEntries(MAP_NAMES.map((name) => [name, object.map(name)]));
}

/** Opens the maps pinned in a directory, except those that `addMissing` adds; undefined when any other is missing. */
export function openMaps(directory: string): ImageMaps | undefined {
  const maps: Record<string, BpfMap> = {};
  try {
    const pinned = new Set(readdirSync(directory));
    if (MAP_NAMES.some((name) => !pinned.has(name) && !FILLED_ANEW.includes(name))) return undefined;
    for (const name of MAP_NAMES) if (pinned.has(name)) maps[name] = BpfMap.openPinned(join(directory, name));
    return maps;
  } catch (error) {
    closeMaps(maps);
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The maps completed by those that are not pinned there yet; the program that is attached knows nothing of these.
 * @param objectFile a compiled fast path
 */
export function addMissing(maps: ImageMaps, objectFile: Uint8Array, directory: string): ImageMaps {
  const missing = MAP_NAMES.filter((name) => maps[name] === undefined);
  if (missing.length === 0) return maps;
  using object = openBpfObject(objectFile, { reuse: maps });
  const added = Object.fromEntries(missing.map((name) => [name, object.map(name)]));
  for (const [name, map] of Object.entries(added)) map.pin(join(directory, name));
  return { ...maps, ...added };
}

export function pinMaps(maps: ImageMaps, directory: string): void {
  mkdirSync(directory, { mode: 0o700 });
  for (const [name, map] of Object.entries(maps)) map.pin(join(directory, name));
}

export function closeMaps(maps: ImageMaps): void {
  for (const map of Object.values(maps)) map[Symbol.dispose]();
}

/** Returns true if the maps hold an image of this capacity and of this build's layout. */
export function mapsFit(maps: ImageMaps, capacity: ImageCapacity): boolean {
  const sizes = imageSizes(capacity);
  const fits = (Object.keys(IMAGE_MAPS) as (keyof ImageMemory)[]).every((part) => {
    const map = maps[IMAGE_MAPS[part]];
    return map !== undefined && map.valueBytes * map.maxEntries === sizes[part];
  });
  const settings = maps.settings?.lookup(0);
  return (
    fits &&
    settings !== undefined &&
    Buffer.from(settings).readUInt32LE(SETTINGS.layoutVersion) === LAYOUT_VERSION
  );
}

/** Returns true if the maps hold an image of this build's layout, of any capacity. */
export function hasOwnLayout(maps: ImageMaps): boolean {
  const settings = maps.settings?.lookup(0);
  return (
    settings?.length === SETTINGS.size &&
    Buffer.from(settings).readUInt32LE(SETTINGS.layoutVersion) === LAYOUT_VERSION
  );
}

/** The image in memory shared with the kernel, and the counters that the fast path keeps for each CPU. */
export interface MappedImage extends Disposable {
  readonly memory: ImageMemory;
  readonly counters: BpfMap;
  /** The packets handed over and the words of checks; both matter only to the daemon that is running. */
  readonly handOver: ArrayBuffer;
  readonly checkWords: ArrayBuffer;
}

export function mapImage(maps: ImageMaps): MappedImage {
  const parts = Object.entries(IMAGE_MAPS).map(([part, name]) => {
    const mapped = (maps[name] as BpfMap).mmap();
    return { part, mapped };
  });
  const memory = Object.fromEntries(
    parts.map(({ part, mapped }) => [part, mapped.buffer]),
  ) as unknown as ImageMemory;
  const handOver = (maps[HAND_OVER_MAP] as BpfMap).mmap();
  const checkWords = (maps[CHECK_WORDS_MAP] as BpfMap).mmap();
  return {
    memory,
    counters: maps[COUNTERS_MAP] as BpfMap,
    handOver: handOver.buffer,
    checkWords: checkWords.buffer,
    [Symbol.dispose]: () => {
      for (const { mapped } of parts) mapped[Symbol.dispose]();
      handOver[Symbol.dispose]();
      checkWords[Symbol.dispose]();
    },
  };
}

/** Removes pins, directories included; bpffs has no recursive removal of its own. */
export function unpinDirectory(directory: string): void {
  let entries: ReturnType<typeof list>;
  try {
    entries = list(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) unpinDirectory(path);
    else unlinkSync(path);
  }
  rmdirSync(directory);
}

function list(directory: string): import('node:fs').Dirent[] {
  return readdirSync(directory, { withFileTypes: true });
}
