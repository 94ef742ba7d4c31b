// The synchronisation of flows with other directors: runs master and backup as the configuration says.
import { isDeepStrictEqual } from 'node:util';
import type { BackupConfig, MasterConfig, SyncConfig } from '../../contract/config/sync-contract.ts';
import type { DataPlane } from '../../dataplane/data-plane.ts';
import { TICK_MS } from '../../forwarding/image/tables/layout.ts';
import { findLink } from '../../linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { MulticastReceiver, MulticastSender } from '../../linux/sockets/multicast-socket.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import { SYNC_MESSAGE_BYTES, type SyncMessage } from '../../sync/sync-message.ts';
import type { EventLog } from '../event-log.ts';
import { SentFlows } from './sent-flows.ts';
import { newSyncCounters, type SyncCounters } from './sync-counters.ts';
import { knownFlow } from './sync-flow.ts';
import { SyncMaster } from './sync-master.ts';
import { SyncReceiver } from './sync-receiver.ts';

export type SyncRole = 'master' | 'backup';

export interface SyncRoleStatus {
  readonly role: SyncRole;
  readonly interface: string;
  readonly syncId: number;
  readonly counters: Readonly<SyncCounters>;
}

interface RunningRole {
  readonly config: MasterConfig | BackupConfig;
  readonly counters: SyncCounters;
  readonly stop: AbortController;
}

export interface SynchronisationParts {
  readonly plane: Pick<DataPlane, 'flows' | 'learn'>;
  readonly events: Pick<EventLog, 'add'>;
  /** Entries of the flow memory. */
  readonly entries: number;
}

const SCAN_MS = 1000;
const SEND_MS = 10;
const RETRY_MS = 5000;
const BUFFER_BYTES = 8 * 2 ** 20;
/** Senders may have larger ones than the default. */
const LONGEST_MESSAGE = 6 * SYNC_MESSAGE_BYTES;
/** Other masters that are reported; the number bounds memory. */
const MOST_REPORTED = 64;

/** Runs the roles that the configuration names. */
export class Synchronisation implements Disposable {
  readonly #parts: SynchronisationParts;
  readonly #roles = new Map<SyncRole, RunningRole>();

  constructor(parts: SynchronisationParts) {
    this.#parts = parts;
  }

  get status(): SyncRoleStatus[] {
    return [...this.#roles].map(([role, { config, counters }]) => ({
      role,
      interface: config.interface,
      syncId: config.syncId,
      counters: { ...counters },
    }));
  }

  /** Starts, stops or changes what differs. A role that cannot start is tried again every 5 s. */
  follow(config: SyncConfig | undefined): void {
    for (const role of ['master', 'backup'] as const) {
      const [before, after] = [this.#roles.get(role), config?.[role]];
      if (isDeepStrictEqual(before?.config, after)) continue;
      before?.stop.abort();
      this.#roles.delete(role);
      if (before !== undefined && after === undefined)
        this.#parts.events.add('info', 'sync', `synchronisation: ${role} stopped`);
      if (after === undefined) continue;
      const running = { config: after, counters: newSyncCounters(), stop: new AbortController() };
      this.#roles.set(role, running);
      this.#start(role, running);
    }
  }

  [Symbol.dispose](): void {
    for (const { stop } of this.#roles.values()) stop.abort();
    this.#roles.clear();
  }

  #start(role: SyncRole, running: RunningRole, failedBefore?: string): void {
    const { config, stop } = running;
    const { events } = this.#parts;
    try {
      if ('ttl' in config) this.#startMaster(config, running);
      else this.#startBackup(config, running);
      events.add('info', 'sync', `synchronisation: ${role} on ${config.interface}, syncid ${config.syncId}`);
    } catch (error) {
      const { message } = error as Error;
      if (message !== failedBefore)
        events.add(
          'warning',
          'sync',
          `synchronisation: ${role} on ${config.interface} cannot start: ${message}; trying again every 5 s`,
        );
      const retry = setTimeout(() => this.#start(role, running, message), RETRY_MS).unref();
      stop.signal.addEventListener('abort', () => clearTimeout(retry), { once: true });
    }
  }

  #startMaster(config: MasterConfig, running: RunningRole): void {
    using opening = new DisposableStack();
    const place = { ...config, ifIndex: indexOf(config.interface) };
    const socket = opening.use(new MulticastSender(place, config.ttl));
    const master = new SyncMaster({
      ...this.#parts,
      socket,
      sent: new SentFlows(this.#parts.entries, config.periodMs / TICK_MS),
      counters: running.counters,
      syncId: config.syncId,
      nowMs,
    });
    this.#listen(opening, config, running, otherMasters(config, this.#parts.events));
    // A message that cannot be sent is lost, as on the way: what it says is sent again after the period.
    repeat(opening, SCAN_MS, () => void master.scan().catch(() => undefined));
    repeat(opening, SEND_MS, () => quietly(() => master.send()));
    disposeAt(running.stop.signal, opening.move());
  }

  #startBackup(config: BackupConfig, running: RunningRole): void {
    using opening = new DisposableStack();
    const { plane } = this.#parts;
    const { counters } = running;
    this.#listen(opening, config, running, ({ connections }) => {
      const flows = connections.map(knownFlow).filter((flow) => flow !== undefined);
      counters.unknown += connections.length - flows.length;
      for (const [name, count] of Object.entries(plane.learn(flows))) {
        counters[name as keyof SyncCounters] += count;
      }
    });
    disposeAt(running.stop.signal, opening.move());
  }

  #listen(
    opening: DisposableStack,
    config: BackupConfig,
    { counters }: RunningRole,
    onMessage: (message: SyncMessage, source: IpAddress) => void,
  ): void {
    const place = { ...config, ifIndex: indexOf(config.interface) };
    const sizes = { bufferBytes: BUFFER_BYTES, payloadBytes: LONGEST_MESSAGE };
    const socket = opening.use(new MulticastReceiver(place, sizes));
    const receiver = new SyncReceiver({ socket, counters, syncId: config.syncId, nowMs, onMessage });
    socket.onReadable(() => quietly(() => receiver.read()));
  }
}

/** Returns a listener that reports each other master with the same syncid, once. */
function otherMasters(
  { syncId, interface: name }: MasterConfig,
  events: Pick<EventLog, 'add'>,
): (message: SyncMessage, source: IpAddress) => void {
  const reported = new Set<string>();
  return (message, source) => {
    const address = formatIp(source);
    if (message.syncId !== syncId || reported.has(address) || reported.size === MOST_REPORTED) return;
    reported.add(address);
    events.add(
      'warning',
      'sync-two-masters',
      `${address} on ${name} sends flows as a master with syncid ${syncId} too; fix: stop one of the masters, or give each a syncid of its own`,
    );
  };
}

function nowMs(): number {
  return performance.now();
}

function indexOf(name: string): number {
  using netlink = new NetlinkSocket();
  const link = findLink(netlink, name);
  if (link === undefined) throw new Error(`there is no interface ${name}`);
  return link.index;
}

function repeat(opening: DisposableStack, intervalMs: number, work: () => void): void {
  const timer = setInterval(work, intervalMs);
  timer.unref();
  opening.defer(() => clearInterval(timer));
}

/** An interface that goes away makes a socket fail until it is back; the other side sees silence. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
}

function disposeAt(signal: AbortSignal, stack: DisposableStack): void {
  signal.addEventListener('abort', () => stack.dispose(), { once: true });
}
