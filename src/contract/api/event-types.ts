// Every type of event: how serious it is, what it means, and what an operator does about it.

type Level = 'info' | 'warning' | 'error';

interface EventNotes {
  readonly levels: readonly Level[];
  /** The meaning of the event, in Markdown. */
  readonly meaning: string;
  /** An operator's next step, in Markdown; empty if there is nothing to do. */
  readonly action: string;
}

/** The types in the order of the reference. A new type is one entry; `node scripts/reference.ts` writes the table. */
export const EVENT_TYPES = {
  start: notes(['info'], 'The director has started, and forwards.'),
  remove: notes(
    ['info'],
    'Forwarding has stopped, and what culvert set up for it is removed (`culvert down`).',
  ),
  'real-up': notes(['info'], 'A real is up.'),
  'real-down': notes(
    ['warning'],
    'A real is down: it gets no new flows.',
    'Look at the failed check in `culvert reals`.',
  ),
  'check-up': notes(['info'], 'One of several checks of a real passes; others still fail.'),
  'check-down': notes(['info'], 'A further check of a real fails.', 'As for `real-down`.'),
  'check-failed': notes(
    ['warning'],
    'One attempt of a check with `logAllFailures` has failed.',
    'Nothing, unless it repeats.',
  ),
  'check-weight': notes(['info'], 'A check has changed the weight of its real.'),
  'check-shortage': notes(
    ['error'],
    'Checks cannot run because this machine is short of a resource. Health stays as it is.',
    'Free or raise the resource that the message names.',
  ),
  'check-shortage-over': notes(['info'], 'Checks run again after a shortage.'),
  'quorum-lost': notes(['warning'], 'The reals that are up weigh less than the quorum.', 'Bring reals back.'),
  'quorum-up': notes(['info'], 'A service has its quorum again.'),
  drain: notes(['info'], 'An operator has drained a real.'),
  undrain: notes(['info'], 'An operator has ended the drain of a real.'),
  weight: notes(['info'], 'An operator has overridden the weight of a real, or removed the override.'),
  reload: notes(['info'], 'The configuration file has been reloaded.'),
  'reload-failed': notes(
    ['error'],
    'A reload has failed and changed nothing.',
    'Fix what the message names, and reload.',
  ),
  apply: notes(['info'], 'A configuration has been applied.'),
  'apply-failed': notes(
    ['error'],
    'A configuration could not be applied, or the data plane refused a change. The previous one stays.',
    'Fix what the message names.',
  ),
  'apply-kept': notes(
    ['warning'],
    'After a start an applied configuration is in force, not the file.',
    '`culvert reload` to return to the file.',
  ),
  'apply-ended': notes(
    ['warning'],
    'After a start the file is in force, and no longer the applied configuration.',
    'Apply it again if it is still wanted.',
  ),
  confirm: notes(['info'], 'An operator has confirmed the applied configuration.'),
  revert: notes(
    ['info', 'warning'],
    'The previous configuration is in force again; a warning if nobody confirmed in time.',
  ),
  'revert-failed': notes(
    ['error'],
    'The previous configuration cannot be restored. After the deadline, culvert tries again.',
    'Fix what the message names.',
  ),
  'restart-needed': notes(
    ['warning'],
    'A changed setting takes effect at the next start.',
    'Restart the director.',
  ),
  command: notes(
    ['info', 'warning', 'error'],
    'A command has ended; a warning if it failed, an error if it could not be run.',
    'After a warning or an error: run it by hand as its user.',
  ),
  'command-dropped': notes(['error'], 'A command was not run.', 'See the message for the reason.'),
  'command-as-root': notes(['warning'], 'Commands or checks run as root.', 'Set a user for them.'),
  'next-hop': notes(
    ['info', 'warning'],
    'The next hop to a real is known, or (a warning) is not.',
    'After a warning: check the route and the neighbour.',
  ),
  'blackhole-cured': notes(
    ['warning'],
    'ICMP does not reach a client. Its oversize packets are forwarded in outer fragments.',
    'Find what filters ICMP on the way.',
  ),
  sync: notes(
    ['info', 'warning'],
    'The synchronisation of flows has started or stopped, or cannot start.',
    'At a warning, see the message; `director.sync` names the interface.',
  ),
  'sync-two-masters': notes(
    ['warning'],
    'Another director sends flows as a master with the same `syncId`.',
    'Stop one of them, or give each a `syncId` of its own.',
  ),
  drift: notes(
    ['warning'],
    'Something else has changed maps, pins, programs or devices.',
    'Find who changed it. The message says what was done.',
  ),
  plane: notes(['warning'], 'The data plane cannot do something as expected.', 'See the message.'),
  shortage: notes(
    ['error'],
    'The process is short of a resource.',
    'Free or raise the resource that the message names.',
  ),
  'connections-refused': notes(
    ['warning'],
    'A listener of the API closes new connections at once.',
    'Find the client that holds so many connections.',
  ),
  'api-listener': notes(
    ['error'],
    'The certificate or token file of a TCP listener cannot be used.',
    'Fix the file. It is read again by itself.',
  ),
  'state-not-saved': notes(
    ['error'],
    'State could not be saved. A restart would forget it; culvert keeps trying.',
    'Free space there, or make it writable.',
  ),
  'state-saved': notes(['info'], 'State is saved again.'),
  'state-lost': notes(
    ['warning'],
    'Saved state could not be read at the start.',
    'Repeat drains, overridden weights and applied configurations.',
  ),
  'journal-not-written': notes(
    ['error'],
    'The journal is not written, so `culvert explain --at` does not know that time.',
    'Free space there, or make it writable.',
  ),
  'journal-written': notes(['info'], 'The journal is written again.'),
  'journal-off': notes(
    ['warning'],
    'The journal is off because it is too small for the configuration.',
    'Raise `director.journalSize`.',
  ),
} as const satisfies Readonly<Record<string, EventNotes>>;

export type EventType = keyof typeof EVENT_TYPES;

/** The levels of an event of this type. */
export type EventLevel<Type extends EventType = EventType> = (typeof EVENT_TYPES)[Type]['levels'][number];

export const EVENT_NAMES: readonly EventType[] = Object.keys(EVENT_TYPES) as EventType[];

function notes<const Levels extends readonly Level[]>(
  levels: Levels,
  meaning: string,
  action = '',
): EventNotes & { readonly levels: Levels } {
  return { levels, meaning, action };
}
