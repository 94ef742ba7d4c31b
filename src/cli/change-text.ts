import type { WireReload } from '../api/wire.ts';

/** Summarizes in one line what a reload or similar has changed. */
export function changeText(summary: WireReload): string {
  const services = changes(summary.servicesAdded, summary.servicesChanged, summary.servicesRemoved);
  const reals = changes(summary.realsAdded, summary.realsChanged, summary.realsRemoved);
  return `services: ${services}; reals: ${reals}; applied in ${summary.applyMs.toFixed(1)} ms`;
}

function changes(added: number, changed: number, removed: number): string {
  return added + changed + removed === 0
    ? 'unchanged'
    : `${added} added, ${changed} changed, ${removed} removed`;
}
