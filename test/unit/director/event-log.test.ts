import { expect, test } from 'vitest';
import { EventLog } from '../../../src/director/event-log.ts';

function create(): { events: EventLog; logged: string[] } {
  const logged: string[] = [];
  const log = {
    info: (message: string) => void logged.push(`info ${message}`),
    warn: (message: string) => void logged.push(`warn ${message}`),
    error: (message: string) => void logged.push(`error ${message}`),
  };
  return { events: new EventLog({ now: () => Date.UTC(2026, 0, 2), log }), logged };
}

test('events are numbered from 1, timed and logged', () => {
  const { events, logged } = create();
  events.add('warning', 'real-down', 'a is down');
  events.add('info', 'real-up', 'a is up');
  const time = '2026-01-02T00:00:00.000Z';
  expect(events.after(0)).toEqual([
    { sequence: 1, time, level: 'warning', type: 'real-down', message: 'a is down' },
    { sequence: 2, time, level: 'info', type: 'real-up', message: 'a is up' },
  ]);
  expect(events.after(1).map((event) => event.sequence)).toEqual([2]);
  expect(events.after(2)).toEqual([]);
  expect(events.after(99)).toEqual([]);
  expect(logged).toEqual(['warn a is down', 'info a is up']);
});

test('the last thousand are kept', () => {
  const { events } = create();
  for (let count = 1; count <= 2345; count++) events.add('info', 'real-up', String(count));
  const kept = events.after(0).map((event) => event.message);
  expect(kept).toHaveLength(1000);
  expect([kept[0], kept.at(-1)]).toEqual(['1346', '2345']);
  expect(events.after(2340).map((event) => event.sequence)).toEqual([2341, 2342, 2343, 2344, 2345]);
});

test('subscribers hear of what follows until their signal aborts, and do no harm', () => {
  const { events, logged } = create();
  const heard: number[] = [];
  const stop = new AbortController();
  events.add('info', 'real-up', 'before');
  events.subscribe(failing, stop.signal);
  events.subscribe((event) => heard.push(event.sequence), stop.signal);
  events.subscribe((event) => heard.push(-event.sequence), AbortSignal.abort());
  events.add('info', 'real-up', 'during');
  stop.abort();
  events.add('info', 'real-up', 'after');
  expect(heard).toEqual([2]);
  expect(logged).toContain('error a listener for events failed: Error: socket closed');
});

function failing(): never {
  throw new Error('socket closed');
}
