// Keeps a shortage of descriptors or memory from ending the daemon.
import type { EventLog } from '../../director/event-log.ts';
import { describeShortage, resourceShortageIn } from '../../local-shortage.ts';

const QUIET_MS = 10_000;

/**
 * Keeps a daemon running when work in the background, which is repeated anyway, fails for want of descriptors or memory.
 * Any other unexpected error still ends the process.
 */
export function surviveShortages(events: EventLog): Disposable {
  const reportedMs = new Map<string, number>();
  const survive = (error: unknown): void => {
    const shortage = resourceShortageIn(error);
    if (shortage === undefined) {
      process.off('uncaughtException', survive);
      throw error;
    }
    if (performance.now() - (reportedMs.get(shortage.code) ?? -Infinity) < QUIET_MS) return;
    reportedMs.set(shortage.code, performance.now());
    const message = error instanceof Error ? error.message : String(error);
    events.add('error', 'shortage', `${message}: ${describeShortage(shortage)}; culvert retries it`);
  };
  process.on('uncaughtException', survive);
  return { [Symbol.dispose]: () => void process.off('uncaughtException', survive) };
}
