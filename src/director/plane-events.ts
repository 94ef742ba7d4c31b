// The way of what a plane reports: to the director, or to the log while there is none.
import type { PlaneEvent, PlaneEventListener } from '../dataplane/data-plane.ts';
import type { EventLog } from './event-log.ts';
import { describePlaneEvent } from './step/take-plane-event.ts';

/** A listener to open a plane with, for a director that does not exist yet. */
export class PlaneEvents {
  #take: PlaneEventListener;

  /** @param events receives what the plane reports before a director listens */
  constructor(events: Pick<EventLog, 'add'>) {
    this.#take = (event) => {
      const { level, type, message } = describePlaneEvent(event);
      events.add(level, type, message);
    };
  }

  readonly listener: PlaneEventListener = (event: PlaneEvent) => this.#take(event);

  /** Has what the plane reports from now on taken by another one. */
  passTo(listener: PlaneEventListener): void {
    this.#take = listener;
  }
}
