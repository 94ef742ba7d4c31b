// Carries the content of pinned maps of another capacity into new ones, while the former ones forward.
import { carryChanges, carryOver } from '../../../forwarding/image/change/carry-over.ts';
import { awaitGracePeriod } from '../../../linux/grace-period.ts';
import { closeMaps, hasOwnLayout, type ImageMaps, mapImage } from './pinned-maps.ts';

export interface FormerImage {
  /** Takes what has changed meanwhile. Must be called once the former maps' program is replaced. */
  finish(): void;
}

/** Copies flows, services, reals and rings. @returns undefined if that is impossible; the new maps are empty then */
export function takeFromFormer(former: ImageMaps | undefined, maps: ImageMaps): FormerImage | undefined {
  if (former === undefined) return undefined;
  using opening = new DisposableStack();
  opening.defer(() => closeMaps(former));
  if (!hasOwnLayout(former)) return undefined;
  const [from, to] = [opening.use(mapImage(former)), opening.use(mapImage(maps))];
  if (!carryOver(from.memory, to.memory)) return undefined;
  from.counters.copyOverCpus(to.counters);
  const held = opening.move();
  return {
    finish(): void {
      // A packet that found the former program may still be remembering its flow there.
      awaitGracePeriod();
      carryChanges(from.memory, to.memory);
      held.dispose();
    },
  };
}
