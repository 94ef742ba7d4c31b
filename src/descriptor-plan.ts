// The shares of control socket, API and checks in the open file descriptors of the process.
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CulvertError } from './errors.ts';

/** The limit of open file descriptors of this process, and its shares. */
export interface DescriptorPlan {
  readonly limit: number;
  /** Connections to the control socket. */
  readonly control: number;
  /** Connections to an address that the API is served at. */
  readonly remote: number;
  /** Connections of `remote` from one client address. */
  readonly remotePerClient: number;
  /** Descriptors that checks never use: reserved for the control socket, netlink and the state file. */
  readonly reserved: number;
}

/** Node's own, maps, sockets and the TAP device take about 50; a listener, checks and commands need the rest. */
const LEAST = 128;
const UNLIMITED = 2 ** 20;

/**
 * The plan for this process's limit, which Node has raised from the soft to the hard one at its start.
 * @throws CulvertError SHORTAGE when the limit is too low for a director
 */
export function planDescriptors(limit: number = openFilesLimit()): DescriptorPlan {
  if (limit < LEAST) {
    throw new CulvertError(
      'SHORTAGE',
      `this process may have ${limit} open file descriptors, but a director needs at least ${LEAST}; fix: raise the limit ` +
        '(LimitNOFILE=65536 in the systemd unit, or "ulimit -Hn 65536" as root before the start)',
    );
  }
  const control = within(Math.floor(limit / 16), 8, 128);
  const remote = within(Math.floor(limit / 4), 32, 512);
  return { limit, control, remote, remotePerClient: Math.floor(remote / 4), reserved: control + 16 };
}

/**
 * To be called before an attempt of a check: the kernel gives the lowest free descriptor, so that its number says how
 * many are left. @throws Error EMFILE when only those are left that checks are to leave alone
 */
export function requireRoomForCheck({ limit, reserved }: DescriptorPlan): void {
  const lowest = openSync('/dev/null', 'r');
  closeSync(lowest);
  if (lowest < limit - reserved) return;
  const message = `${lowest} of ${limit} file descriptors are open, and the last ${reserved} are reserved for other uses than checks (EMFILE)`;
  throw Object.assign(new Error(message), { code: 'EMFILE' });
}

/** Node has no call for it. */
function openFilesLimit(): number {
  const [, limit] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return limit === undefined || limit === 'unlimited' ? UNLIMITED : Number(limit);
}

function within(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
