// A reload, or another change, in one line.
import type { ReloadSummary } from '../../contract/api/configuration.ts';

/** Summarizes what a reload or similar has changed, in one line, and what waits for a restart, in another. */
export function changeText(summary: ReloadSummary): string {
  const services = changes(summary.servicesAdded, summary.servicesChanged, summary.servicesRemoved);
  const reals = changes(summary.realsAdded, summary.realsChanged, summary.realsRemoved);
  const done = `services: ${services}; reals: ${reals}; applied in ${summary.applyMs.toFixed(1)} ms`;
  const { restartNeeded } = summary;
  return restartNeeded.length === 0
    ? done
    : `${done}\ntakes effect at the next start of the director: ${restartNeeded.join(', ')}`;
}

function changes(added: number, changed: number, removed: number): string {
  return added + changed + removed === 0
    ? 'unchanged'
    : `${added} added, ${changed} changed, ${removed} removed`;
}
