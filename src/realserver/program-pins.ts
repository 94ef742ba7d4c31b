// Where the decapsulating program of an interface is pinned, and how it is found again.
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BpfDescriptor } from '../linux/bpf/descriptor.ts';
import { BpfMap } from '../linux/bpf/map.ts';
import { XdpLink } from '../linux/bpf/xdp-link.ts';
import { pinDirectory } from '../linux/bpffs.ts';

/** A directory of pins whose link holds a program. */
export interface ProgramPins {
  readonly directory: string;
  /** Before each name: earlier versions pinned one program for each set-up, beside a director's pins. */
  readonly prefix: '' | 'realserver_';
}

const PINS = '/sys/fs/bpf/culvert';
const DIRECTORY_PREFIX = 'realserver_';
const FORMER_PREFIX = 'realserver_';

/**
 * The pins of the program with this id. Ids are those of the whole kernel, so that the program of another network
 * namespace, whose interface has the same name and number, is never taken for this one.
 */
export function findPins(programId: number): ProgramPins | undefined {
  return candidates().find((pins) => linkInfo(pins).programId === programId);
}

/** The directory for an interface of this network namespace; what is left there of one that is gone is removed. */
export function freshPins(ifIndex: number): ProgramPins {
  const pins = { directory: join(PINS, directoryName(ifIndex)), prefix: '' } as const;
  if (existsSync(pins.directory)) removePins(pins);
  return { ...pins, directory: pinDirectory(directoryName(ifIndex)) };
}

export function openLink(pins: ProgramPins): XdpLink {
  return XdpLink.openPinned(pinPath(pins, 'link'));
}

export function openPinnedMap(pins: ProgramPins, name: string): BpfMap | undefined {
  const path = pinPath(pins, name);
  return existsSync(path) ? BpfMap.openPinned(path) : undefined;
}

export function pinPath({ directory, prefix }: ProgramPins, name: string): string {
  return join(directory, `${prefix}${name}`);
}

/** In the place of what had the name before, at once. */
export function pin(pins: ProgramPins, name: string, descriptor: BpfDescriptor): void {
  const path = pinPath(pins, name);
  const fresh = `${path}_new`;
  rmSync(fresh, { force: true });
  descriptor.pin(fresh);
  renameSync(fresh, path);
}

/** Removes the pins and, where nothing else is in them, their directory and the one above. */
export function removePins({ directory, prefix }: ProgramPins): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(prefix)) rmSync(join(directory, name));
  }
  for (const path of [directory, PINS]) {
    try {
      rmdirSync(path);
    } catch {
      return; // others' pins are in it
    }
  }
}

function candidates(): ProgramPins[] {
  if (!existsSync(PINS)) return [];
  return readdirSync(PINS).flatMap((name): ProgramPins[] => {
    const directory = join(PINS, name);
    const found: ProgramPins[] = [
      { directory, prefix: '' },
      { directory, prefix: FORMER_PREFIX },
    ];
    return found.filter(
      (pins) =>
        (pins.prefix === FORMER_PREFIX || name.startsWith(DIRECTORY_PREFIX)) &&
        existsSync(pinPath(pins, 'link')),
    );
  });
}

function linkInfo(pins: ProgramPins): { readonly ifIndex: number; readonly programId: number } {
  using link = openLink(pins);
  return link.info();
}

function directoryName(ifIndex: number): string {
  return `${DIRECTORY_PREFIX}${networkNamespace()}_${ifIndex}`;
}

/** Names the network namespace of this thread; another one gets the number only when this one is gone. */
export function networkNamespace(): number {
  return statSync('/proc/thread-self/ns/net').ino;
}
