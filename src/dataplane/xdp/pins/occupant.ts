// The error for an interface that another XDP program is attached to.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CulvertError } from '../../../errors.ts';
import type { AttachedXdp } from '../../../linux/bpf/query.ts';
import { XdpLink } from '../../../linux/bpf/xdp-link.ts';
import { errnoOf } from '../../../linux/errno.ts';
import { linkDirectory, linkPins } from './link-pins.ts';

/**
 * Returns the error about the program that is on the interface already, with its fix. `directory` has the pins of the instance
 * that starts.
 */
export function occupiedError(interfaceName: string, occupant: AttachedXdp, directory: string): CulvertError {
  const program = `(id ${occupant.programId}, ${occupant.mode} mode)`;
  const instance = instanceOf(occupant.programId, dirname(directory));
  return new CulvertError(
    'XDP_OCCUPIED',
    instance === undefined
      ? `another XDP program ${program} is attached; it was left in place. fix: ` +
          `see "bpftool net", or remove it with "ip link set dev ${interfaceName} xdp off"`
      : `the XDP program ${program} of the instance ${instance}, which has no running director, is attached; it was left ` +
          `in place. fix: end it with "culvert down --instance ${instance}", or start this one under that name`,
    { where: interfaceName },
  );
}

/** The pinned instance that a program belongs to. */
function instanceOf(programId: number, pins: string): string | undefined {
  // A start removes the directory when nothing is pinned in it.
  const entries = existsSync(pins) ? readdirSync(pins) : [];
  const name = entries.find((entry) => pinnedPrograms(join(pins, entry)).includes(programId));
  // The network namespace follows the @; the name without it leads there.
  return name?.replaceAll('%2e', '.').replace(/@\d+$/, '');
}

function pinnedPrograms(directory: string): (number | undefined)[] {
  return linkPins(directory).map((name) => pinnedProgram(join(linkDirectory(directory), name)));
}

function pinnedProgram(path: string): number | undefined {
  try {
    using link = XdpLink.openPinned(path);
    return link.info().programId;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
