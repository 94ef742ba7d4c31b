// Prints timeouts as `ipvsadm -L --timeout` does.
import type { ConfigDocument } from '../../contract/config/config-document.ts';
import { parseDuration } from '../../contract/values/duration.ts';
import { DEFAULT_TIMEOUTS } from '../../forwarding/forwarding-table.ts';

/** The line of `-L --timeout`. */
export function timeoutsText({ director }: ConfigDocument): string {
  const written = (director['timeouts'] ?? {}) as Readonly<Record<string, string | undefined>>;
  const { establishedMs, finWaitMs, udpMs } = DEFAULT_TIMEOUTS;
  const seconds = [
    [written['tcp'], establishedMs],
    [written['tcpFin'], finWaitMs],
    [written['udp'], udpMs],
  ].map(([text, usualMs]) => Math.floor(((text && parseDuration(String(text))) || Number(usualMs)) / 1000));
  return `Timeout (tcp tcpfin udp): ${seconds.join(' ')}\n`;
}
