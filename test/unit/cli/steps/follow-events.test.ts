import { expect, test } from 'vitest';
import { followOverRestarts } from '../../../../src/cli/steps/follow-events.ts';
import type { DirectorEvent } from '../../../../src/contract/api/event.ts';
import { CulvertError } from '../../../../src/errors.ts';

const gone = (): CulvertError => new CulvertError('NOT_RUNNING', 'nobody answers');

function event(sequence: number, run: number): DirectorEvent {
  const time = `2026-01-0${run}T00:00:0${sequence}.000Z`;
  return { sequence, time, level: 'info', type: 'start', message: `run ${run}, event ${sequence}` };
}

/** A director whose streams end as often as there are logs; between two of them it cannot be reached for a while. */
class Director {
  readonly #logs: readonly (readonly DirectorEvent[])[];
  #run = -1;
  #away = 0;

  constructor(...logs: readonly (readonly DirectorEvent[])[]) {
    this.#logs = logs;
  }

  async *follow(after: number, signal: AbortSignal): AsyncIterable<DirectorEvent> {
    this.#run++;
    const log = this.#logs[this.#run];
    if (log === undefined) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      return;
    }
    yield* log.filter(({ sequence }) => sequence > after);
    this.#away = 2;
    throw gone();
  }

  async events(after: number): Promise<readonly DirectorEvent[]> {
    if (this.#away-- > 0) throw gone();
    return (this.#logs[this.#run + 1] ?? this.#logs.at(-1) ?? []).filter(({ sequence }) => sequence > after);
  }
}

async function followed(
  director: Director,
  count: number,
  after = 0,
): Promise<{ seen: string[]; said: string[] }> {
  const stop = new AbortController();
  const said: string[] = [];
  const seen: string[] = [];
  const options = { after, signal: stop.signal, onGone: (text: string) => void said.push(text) };
  for await (const { message } of followOverRestarts(director, options)) {
    if (seen.push(message) === count) stop.abort();
  }
  return { seen, said };
}

test('events go on over a restart, from the first one of the new run', async () => {
  const director = new Director([event(1, 1), event(2, 1)], [event(1, 2), event(2, 2)], [event(1, 3)]);
  const { seen, said } = await followed(director, 5);
  expect(seen).toEqual([
    'run 1, event 1',
    'run 1, event 2',
    'run 2, event 1',
    'run 2, event 2',
    'run 3, event 1',
  ]);
  expect(said.map((text) => text.split(';')[0])).toEqual([
    'the director is gone',
    'a director answers again',
    'the director is gone',
    'a director answers again',
  ]);
});

test('a stream that broke off goes on behind the last event', async () => {
  const log = [event(1, 1), event(2, 1)];
  const { seen } = await followed(new Director(log, [...log, event(3, 1)]), 3);
  expect(seen).toEqual(['run 1, event 1', 'run 1, event 2', 'run 1, event 3']);
});

test('a stream that broke off before anything came goes on behind the event that was named', async () => {
  const log = [event(1, 1), event(2, 1), event(3, 1)];
  const { seen } = await followed(new Director(log, log, [...log, event(4, 1)]), 1, 3);
  expect(seen).toEqual(['run 1, event 4']);
});

test('a new run is shown from its first event, also if nothing had come before', async () => {
  const { seen } = await followed(new Director([event(1, 1), event(2, 1)], [event(1, 2)]), 1, 2);
  expect(seen).toEqual(['run 2, event 1']);
});

test('where no director answers at all, that is an error', async () => {
  const fails = { next: (): Promise<never> => Promise.reject(gone()) };
  const nobody = {
    follow: (): AsyncIterable<DirectorEvent> => ({ [Symbol.asyncIterator]: () => fails }),
    events: (): Promise<readonly DirectorEvent[]> => Promise.reject(gone()),
  };
  const options = { after: 0, signal: new AbortController().signal, onGone: () => undefined };
  const events = followOverRestarts(nobody, options)[Symbol.asyncIterator]();
  await expect(events.next()).rejects.toThrow('nobody answers');
});
