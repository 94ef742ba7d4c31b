// The local ports that the sockets of checks use.

/** The first port that a service without root's rights can have. */
const FIRST_PORT = 1024;
const LAST_PORT = 65_535;
/** The number of checks that can be under way at once, including some that linger. */
const LEAST_PORTS = 16_384;

/**
 * Returns the local ports of checks: outside those of the host's own connections, so that an answer to a check cannot be taken
 * for an answer to one of these, even where a program on the director is a client of the same VIP.
 *
 * @param hostRange net.ipv4.ip_local_port_range of the host: `32768\t60999`
 * @returns the range for checks in the same form; all ports where the host's leave too few
 */
export function checkPortRange(hostRange: string | undefined): string {
  const [first = FIRST_PORT, last = LAST_PORT] = (hostRange ?? '').split(/\s+/).filter(Boolean).map(Number);
  const below = first - FIRST_PORT;
  const above = LAST_PORT - last;
  if (Math.max(below, above) < LEAST_PORTS) return `${FIRST_PORT} ${LAST_PORT}`;
  return below >= above ? `${FIRST_PORT} ${first - 1}` : `${last + 1} ${LAST_PORT}`;
}
