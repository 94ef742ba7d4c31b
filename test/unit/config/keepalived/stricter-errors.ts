/** Errors of files that keepalived runs, one or more for each row of the list in docs/reference/keepalived.md. */
const STRICTER: readonly RegExp[] = [
  /culvert forwards by IP tunnel only|lvs_method \(lb_kind\) is missing/,
  /firewall mark/,
  /persistence_engine: /,
  /is also an address of vrrp_instance/,
  /culvert checks present no client certificate/,
  // Limits of culvert's own.
  / to (?:24h|1h) with its unit/,
  /allowed: a whole number from 0 to (?:1000|65535|1048576)$/,
  /which keepalived reads as \d+ microseconds/,
  /at most 65536 addresses/,
  /up to a million values/,
  /the file includes itself/,
  /a regular expression in JavaScript syntax|JavaScript's regular expressions/,
  /more than max_reply_length/,
  /more than upperThreshold|lthreshold: found .* allowed: .* 0 to|without upperThreshold/,
  /a path that begins with \//,
  /helo_name: .* a host name$/,
  /an absolute path$/,
  /persistence_granularity: /,
  /listed twice|the VIP of line/,
  /an IP address of a host/,
  /virtualhost: .* a host name$/,
  /a user, or user:group/,
  /a domain name$/,
];

export function isStricter(error: string): boolean {
  return STRICTER.some((pattern) => pattern.test(error));
}
