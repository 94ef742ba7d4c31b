// The pins of decapsulating programs, and how they are found again.
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BpfDescriptor } from '../../linux/bpf/bpf-descriptor.ts';
import { BpfMap } from '../../linux/bpf/map.ts';
import { XdpLink } from '../../linux/bpf/xdp-link.ts';
import { pinDirectory } from '../../linux/bpffs.ts';

/** A directory of pins whose link holds a program. */
export interface ProgramPins {
  readonly directory: string;
  /** The prefix of each name: earlier versions pinned one program for each set-up, beside a director's pins. */
  readonly prefix: '' | 'realserver_';
}

const PINS = '/sys/fs/bpf/culvert';
const DIRECTORY_PREFIX = 'realserver_';
/** The directory of each director's links, in the directory of its instance (src/dataplane/xdp/pins/link-pins.ts). */
const DIRECTOR_LINKS = 'links';
const FORMER_PREFIX = 'realserver_';

/**
 * The pins of the program with this id. Ids are those of the whole kernel, so that the program of another network
 * namespace, whose interface has the same name and number, is never taken for this one.
 */
export function findPins(programId: number): ProgramPins | undefined {
  return candidates().find((pins) => programOf(pinPath(pins, 'link')) === programId);
}

/** The instance of the director whose program it is; undefined: it is nobody's, as far as pins tell. */
export function findDirector(programId: number): string | undefined {
  const name = entriesOf(PINS).find((instance) =>
    entriesOf(join(PINS, instance, DIRECTOR_LINKS)).some(
      (link) => programOf(join(PINS, instance, DIRECTOR_LINKS, link)) === programId,
    ),
  );
  // Behind the @ is a network namespace (src/dataplane/xdp/pins/pin-place.ts).
  return name?.replaceAll('%2e', '.').replace(/@\d+$/, '');
}

/**
 * The directory for an interface of this network namespace. What is left there of a former one is removed, and what is
 * left of interfaces that are gone, as those of containers are: nothing else would ever remove that.
 */
export function freshPins(ifIndex: number): ProgramPins {
  const pins = { directory: join(PINS, directoryName(ifIndex)), prefix: '' } as const;
  if (existsSync(pins.directory)) removePins(pins);
  for (const other of candidates()) if (other.prefix === '' && isDead(other)) removePins(other);
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

/** Pins under a name, replacing the former pin of that name atomically. */
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
  return entriesOf(PINS).flatMap((name): ProgramPins[] => {
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

/** Lists a directory; empty when it does not exist. */
function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Returns the program of a link; undefined if it is no link, or was removed meanwhile. */
function programOf(linkPath: string): number | undefined {
  try {
    using link = XdpLink.openPinned(linkPath);
    return link.info().programId;
  } catch {
    return undefined;
  }
}

/** A link that has lost its interface never gets another. */
function isDead(pins: ProgramPins): boolean {
  try {
    using link = openLink(pins);
    return link.info().ifIndex === 0;
  } catch {
    return false;
  }
}

function directoryName(ifIndex: number): string {
  return `${DIRECTORY_PREFIX}${networkNamespace()}_${ifIndex}`;
}

/** Names the network namespace of this thread; another one gets the number only when this one is gone. */
export function networkNamespace(): number {
  return statSync('/proc/thread-self/ns/net').ino;
}
