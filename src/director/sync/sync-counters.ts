// Counters of the synchronisation of flows.

/** Each counts connections, unless it says messages. */
export const SYNC_COUNTERS = {
  sentMessages: 'messages sent',
  sent: 'flows sent',
  unsent: 'flows that no message can name',
  receivedMessages: 'messages received',
  learned: 'flows learned',
  known: 'flows that were known already',
  kept: 'flows that a newer entry here contradicts',
  stateless: 'flows that reach their real without an entry',
  unknown: 'flows of no service, real or state here',
  full: 'flows for which there was no room in the memory',
  skipped: 'connections with data of a persistence engine',
  overLimit: 'flows dropped because too many came in a second',
  foreignMessages: 'messages of another syncid',
  malformedMessages: 'malformed messages',
} as const;

export type SyncCounters = Record<keyof typeof SYNC_COUNTERS, number>;

export function newSyncCounters(): SyncCounters {
  const names = Object.keys(SYNC_COUNTERS) as (keyof typeof SYNC_COUNTERS)[];
  return Object.fromEntries(names.map((name) => [name, 0])) as SyncCounters;
}
