// Explains what became of a packet at a time in the past, from the journal.
import { ASSUMED_MTU_BYTES } from '../../dataplane/assumed-network.ts';
import { CulvertError } from '../../errors.ts';
import type { Explanation } from '../../forwarding/decision.ts';
import { explain } from '../../forwarding/explain.ts';
import { parseIpHeader } from '../../forwarding/packets/ip-header.ts';
import { transportOf } from '../../forwarding/packets/transport.ts';
import { readU16 } from '../../net/bytes.ts';
import { isFault } from '../../net/fault.ts';
import type { World } from '../world/world.ts';
import { PastImage } from './past-image.ts';
import { describeService, timeOf } from './past-words.ts';
import type { JournalLine, SoundLine } from './read-journal.ts';
import { type KnownMoment, replay } from './replay.ts';
import { type Destination, ServiceHistory } from './service-history.ts';

export interface PastExplanation extends Explanation {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** The revision of the configuration in force. */
  readonly revision: string;
}

/**
 * Explains where a packet would have gone at a time, and why.
 * @param nowMs milliseconds since 1970
 * @throws CulvertError JOURNAL if the journal does not know that time
 */
export function explainPast(
  lines: readonly JournalLine[],
  packet: Uint8Array,
  { atMs, nowMs }: { readonly atMs: number; readonly nowMs: number },
): PastExplanation {
  const { until, next } = select(lines, { atMs, nowMs });
  const destination = destinationOf(packet);
  const history = destination && new ServiceHistory(destination);
  const image = new PastImage(atMs);
  let last: KnownMoment | undefined;
  let configured: KnownMoment | undefined;
  let gap: number | undefined;
  for (const moment of replay(until)) {
    if (moment.kind === 'gap') {
      gap ??= moment.atMs;
      continue;
    }
    gap = undefined;
    if (moment.world.running !== last?.world.running) configured = moment;
    last = moment;
    image.follow(moment.world, moment.atMs);
    history?.note(moment);
  }
  if (last === undefined || gap !== undefined) throw unknownTime(atMs, { fromMs: gap ?? atMs, next });
  const { state, nowMs: imageMs } = image.finish();
  const explanation = explain(packet, state, imageMs);
  const sentences = [
    describeConfiguration(atMs, last.world, configured?.atMs ?? atMs),
    ...(history === undefined ? [] : describeService(history, last.world)),
    ...describeStart(next),
    LIMITS,
    ...explanation.sentences,
  ];
  return { ...explanation, sentences, atMs, revision: last.world.running.current.revision };
}

const LIMITS = `The journal does not know remembered flows and path MTUs: a flow that was remembered kept its real. Assumed: every other next hop is known, every MTU is ${ASSUMED_MTU_BYTES}.`;

interface Selected {
  /** The lines up to the time. */
  readonly until: readonly JournalLine[];
  /** The first line that can be read again after it. */
  readonly next: SoundLine | undefined;
}

function select(
  lines: readonly JournalLine[],
  { atMs, nowMs }: { readonly atMs: number; readonly nowMs: number },
): Selected {
  const first = lines.find(isSnapshot);
  const range = first === undefined ? 'it has no entry yet' : `it knows ${timeOf(first.atMs)} to now`;
  if (first === undefined || atMs < first.atMs || atMs > nowMs) {
    const what = atMs > nowMs ? 'is in the future' : 'is before the journal begins';
    throw new CulvertError('JOURNAL', `${timeOf(atMs)} ${what}: ${range}`);
  }
  // By the order of writing, not by time: the clock may have been set back.
  const end = lines.findLastIndex((line) => line.kind !== 'damaged' && line.atMs <= atMs) + 1;
  return { until: lines.slice(0, end), next: lines.slice(end).find(isSnapshot) };
}

function isSnapshot(line: JournalLine): line is SoundLine {
  return line.kind === 'snapshot';
}

function unknownTime(
  atMs: number,
  { fromMs, next }: { readonly fromMs: number; readonly next: SoundLine | undefined },
): CulvertError {
  const until = next === undefined ? 'now' : timeOf(next.atMs);
  return new CulvertError(
    'JOURNAL',
    `${timeOf(atMs)} is in a gap: entries from ${timeOf(fromMs)} to ${until} are damaged, or were left out because there were too many. fix: give a time before or after`,
  );
}

function destinationOf(packet: Uint8Array): Destination | undefined {
  const header = parseIpHeader(packet);
  if (isFault(header)) return undefined;
  const protocol = transportOf(header.protocol);
  if (protocol === undefined || packet.length < header.headerBytes + 4) return undefined;
  return { address: header.destination, protocol, port: readU16(packet, header.headerBytes + 2) };
}

function describeConfiguration(atMs: number, { running }: World, sinceMs: number): string {
  const { current, file, trial } = running;
  const source = current.revision === file.revision ? 'the one of the file' : 'applied in place of the file';
  const until = trial === undefined ? '' : `, on trial until ${timeOf(trial.deadlineMs)}`;
  return `At ${timeOf(atMs)} the configuration was of revision ${current.revision}, ${source}, as of ${timeOf(sinceMs)}${until}.`;
}

/** A director may have ended before the next one started: the journal does not know when. */
function describeStart(next: SoundLine | undefined): string[] {
  const entry = next?.read();
  if (entry?.kind !== 'snapshot' || !entry.started) return [];
  return [
    `The next director started at ${timeOf(entry.atMs)}. If none was running at this time, the xdp plane forwarded by the last table.`,
  ];
}
