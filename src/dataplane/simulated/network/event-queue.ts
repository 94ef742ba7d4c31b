// The queue of timed events of a simulated network.

/** An event and its time. Events of equal time run in the order in which they were added. */
export interface TimedEvent {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
  cancelled: boolean;
}

/** A binary heap of events. Cancelled ones stay until their time and are skipped then. */
export class EventQueue {
  readonly #heap: TimedEvent[] = [];

  /** Returns the next event that is not cancelled. */
  peek(): TimedEvent | undefined {
    while (this.#heap[0]?.cancelled) this.#removeFirst();
    return this.#heap[0];
  }

  push(event: TimedEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as TimedEvent)) break;
      heap[at] = heap[parent] as TimedEvent;
      at = parent;
    }
    heap[at] = event;
  }

  pop(): TimedEvent | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as TimedEvent;
    if (heap.length === 0) return;
    let at = 0;
    while (true) {
      const child = this.#earlierChild(at);
      if (child === undefined || !isBefore(heap[child] as TimedEvent, last)) break;
      heap[at] = heap[child] as TimedEvent;
      at = child;
    }
    heap[at] = last;
  }

  #earlierChild(parent: number): number | undefined {
    const left = this.#heap[2 * parent + 1];
    const right = this.#heap[2 * parent + 2];
    if (left === undefined) return undefined;
    return right !== undefined && isBefore(right, left) ? 2 * parent + 2 : 2 * parent + 1;
  }
}

function isBefore(a: TimedEvent, b: TimedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
