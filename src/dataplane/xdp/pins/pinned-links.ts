// The attachments of the fast path, pinned so that they outlive the daemon.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CulvertError } from '../../../errors.ts';
import type { BpfProgram } from '../../../linux/bpf/bpf-program.ts';
import { queryXdp } from '../../../linux/bpf/query.ts';
import { XdpLink } from '../../../linux/bpf/xdp-link.ts';
import type { Drift } from '../drift-watch.ts';
import type { FastPathPrograms, ProgramKind } from './fast-path-programs.ts';
import { linkDirectory, linkPins } from './link-pins.ts';
import { occupiedError } from './occupant.ts';
import { unlinkIfThere } from './pin-files.ts';

/** An interface to attach to. */
export interface AttachTarget {
  readonly name: string;
  readonly ifIndex: number;
  /** The name of the parent interface, for a VLAN device. */
  readonly parent?: string | undefined;
  /** Packets may arrive there with unfinished checksums. */
  readonly unfinishedChecksums?: boolean | undefined;
}

/** The program that is attached natively. In generic mode packets keep what the kernel knows of their checksums. */
export function programKind(target: AttachTarget | undefined): ProgramKind {
  return target?.unfinishedChecksums === true ? 'finishing' : 'plain';
}

interface PinnedLink {
  readonly path: string;
  /** The ID of culvert's own program. */
  readonly programId: number;
  readonly link: XdpLink;
}

/** The attachments of an instance's program, one to an interface, each pinned by the interface's name. */
export class PinnedLinks implements Disposable {
  readonly #instanceDirectory: string;
  readonly #links = new Map<number, PinnedLink>();

  /** Opens the attachments that an earlier run left, and removes the pins of interfaces that are gone. */
  constructor(instanceDirectory: string) {
    this.#instanceDirectory = instanceDirectory;
    for (const name of linkPins(instanceDirectory)) {
      const path = join(linkDirectory(instanceDirectory), name);
      const link = XdpLink.openPinned(path);
      const { ifIndex, programId } = link.info();
      if (ifIndex !== 0) this.#links.set(ifIndex, { path, link, programId });
      else forget({ path, link });
    }
  }

  get size(): number {
    return this.#links.size;
  }

  /** Returns the interfaces that the program is attached to, including those that are gone meanwhile. */
  indices(): number[] {
    return [...this.#links.keys()];
  }

  has(ifIndex: number): boolean {
    return this.#links.has(ifIndex);
  }

  /** @throws CulvertError XDP_OCCUPIED if another program is on one of them. */
  requireFree(targets: readonly AttachTarget[]): void {
    for (const { name, ifIndex } of targets) {
      const occupant = this.has(ifIndex) ? undefined : queryXdp(ifIndex);
      if (occupant !== undefined) throw occupiedError(name, occupant, this.#instanceDirectory);
    }
  }

  /**
   * Attaches natively, or in generic mode if the driver cannot, as with VLAN devices. @throws CulvertError XDP_OCCUPIED, KERNEL
   */
  attach(programs: FastPathPrograms, target: AttachTarget, warn: (message: string) => void): void {
    this.requireFree([target]);
    const link = createLink(programs, target, warn);
    const directory = linkDirectory(this.#instanceDirectory);
    const path = join(directory, pinNameOf(target.name));
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // An interface of that name that is gone may have left one.
    unlinkIfThere(path);
    link.pin(path);
    this.#links.set(target.ifIndex, { path, link, programId: link.info().programId });
  }

  /** Ends the attachment, whether or not the interface is still there. */
  detach(ifIndex: number): void {
    const pinned = this.#links.get(ifIndex);
    if (pinned === undefined) return;
    this.#links.delete(ifIndex);
    if (pinned.link.info().ifIndex !== 0) pinned.link.detach();
    forget(pinned);
  }

  /** Replaces the programs on one interface after the other. */
  update(programs: FastPathPrograms, targets: readonly AttachTarget[]): void {
    for (const [ifIndex, pinned] of this.#links) {
      const target = targets.find((each) => each.ifIndex === ifIndex);
      if (pinned.link.info().ifIndex !== 0) this.#replace(ifIndex, pinned, programFor(programs, target));
    }
  }

  /** Restores attachments that others have changed. Another program that is there instead stays. */
  mend(
    targets: readonly AttachTarget[],
    programs: FastPathPrograms,
    warn: (message: string) => void,
  ): Drift[] {
    return targets.flatMap((target) => {
      const pinned = this.#links.get(target.ifIndex);
      const info = pinned?.link.info();
      if (pinned === undefined || info?.ifIndex === 0) return this.#attachAgain(target, programs, warn);
      const drift: Drift[] = [];
      if (info?.programId !== pinned.programId) {
        const found = `another XDP program (id ${info?.programId}) in the place of the director's on ${target.name}`;
        this.#replace(target.ifIndex, pinned, programFor(programs, target));
        drift.push({ found, done: 'replaced', mended: true });
      }
      if (!existsSync(pinned.path)) {
        mkdirSync(dirname(pinned.path), { recursive: true, mode: 0o700 });
        pinned.link.pin(pinned.path);
        drift.push({ found: `the pin ${pinned.path} is gone`, done: 'pinned again', mended: true });
      }
      return drift;
    });
  }

  #attachAgain(target: AttachTarget, programs: FastPathPrograms, warn: (message: string) => void): Drift[] {
    const found = `the program is no longer attached to ${target.name}`;
    const pinned = this.#links.get(target.ifIndex);
    this.#links.delete(target.ifIndex);
    if (pinned !== undefined) forget(pinned);
    try {
      this.attach(programs, target, warn);
      return [{ found, done: 'attached again', mended: true }];
    } catch (error) {
      if (!(error instanceof CulvertError)) throw error;
      return [{ found, done: `not fixed: ${error.message}`, mended: false }];
    }
  }

  #replace(ifIndex: number, { path, link }: PinnedLink, program: BpfProgram): void {
    link.update(program);
    this.#links.set(ifIndex, { path, link, programId: link.info().programId });
  }

  detachAll(): void {
    for (const ifIndex of this.indices()) this.detach(ifIndex);
  }

  /** Closes the links; the programs stay attached. */
  [Symbol.dispose](): void {
    for (const { link } of this.#links.values()) link[Symbol.dispose]();
    this.#links.clear();
  }
}

/** bpffs refuses dots. */
function pinNameOf(interfaceName: string): string {
  return interfaceName.replaceAll('.', '%2e');
}

function forget({ path, link }: Pick<PinnedLink, 'path' | 'link'>): void {
  link[Symbol.dispose]();
  unlinkIfThere(path);
}

/** Returns the program for an interface that has one already. */
function programFor(programs: FastPathPrograms, target: AttachTarget | undefined): BpfProgram {
  const isGeneric = target !== undefined && queryXdp(target.ifIndex)?.mode === 'generic';
  return programs.of(isGeneric ? 'plain' : programKind(target));
}

function createLink(
  programs: FastPathPrograms,
  target: AttachTarget,
  warn: (message: string) => void,
): XdpLink {
  const { name, ifIndex, parent } = target;
  try {
    return XdpLink.create(programs.of(programKind(target)), ifIndex, 'native');
  } catch (error) {
    if (!(error instanceof CulvertError) || error.code !== 'KERNEL') throw error;
    const link = XdpLink.create(programs.of('plain'), ifIndex, 'generic');
    const advice =
      parent === undefined ? `ethtool -K ${name} gro off` : `name its parent, ${parent}, instead`;
    warn(
      `${name} does not support XDP in native mode (${error.message}). Generic mode is slower, and merged ` +
        `packets bypass the fast path; fix: ${advice}`,
    );
    return link;
  }
}
