// Reads `global_defs`.
import { formatDuration } from '../../../contract/values/duration.ts';
import { describeFound } from '../../validate/issue.ts';
import type { Word } from '../text/cut-words.ts';
import type { Level } from '../text/grammar.ts';
import type { Findings } from '../text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from '../text/statement.ts';
import type { Origins } from './origins.ts';
import { IGNORED, readNumberWord, type Setting, tellWrong, unknownKeyword } from './read-values.ts';
import { readScriptUser } from './script-user.ts';

/** Keywords of global_defs in keepalived 2.2.7, beside those that begin with vrrp_, bfd_ or checker_. */
const NOT_USED =
  'process_names process_name router_id notification_email_from smtp_server smtp_helo_name smtp_connect_timeout ' +
  'notification_email smtp_alert smtp_alert_vrrp smtp_alert_checker startup_script startup_script_timeout ' +
  'shutdown_script shutdown_script_timeout max_auto_priority min_auto_priority_delay dynamic_interfaces no_email_faults ' +
  'default_interface disable_local_igmp lvs_process_name lvs_flush lvs_flush_on_stop lvs_flush_onstop lvs_sync_daemon ' +
  'nftables nftables_priority nftables_ifindex nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark ' +
  'nftables_counters notify_fifo notify_fifo_script fifo_write_vrrp_states_on_reload lvs_notify_fifo ' +
  'lvs_notify_fifo_script snmp_socket enable_traps enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc ' +
  'enable_snmp_rfcv2 enable_snmp_rfcv3 enable_snmp_checker enable_dbus dbus_service_name script_user ' +
  'enable_script_security process_monitor_rcv_bufs process_monitor_rcv_bufs_force lvs_netlink_cmd_rcv_bufs ' +
  'lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force rs_init_notifies ' +
  'no_checker_emails log_unknown_vrids vmac_prefix vmac_addr_prefix umask random_seed reload_check_config ' +
  'reload_time_file reload_repeat reload_file include_check config_save_dir tmp_config_directory data_use_instance ' +
  'instance net_namespace net_namespace_ipvs use_pid_dir child_wait_time linkbeat_use_polling namespace_with_ipsets';

const KNOWN: ReadonlySet<string> = new Set([...NOT_USED.split(' '), 'lvs_timeouts']);

/** The keywords of global_defs for the reader of braces; one of them has a block. */
export const GLOBAL_LEVEL: Level = {
  ...Object.fromEntries([...KNOWN].map((name) => [name, {}])),
  notification_email: { block: 'values' },
};

/** culvert's names of what `lvs_timeouts` sets. */
const TIMEOUTS: ReadonlyMap<string, string> = new Map([
  ['tcp', 'tcp'],
  ['tcpfin', 'tcpFin'],
  ['udp', 'udp'],
]);

const MAX_SECONDS = 31 * 24 * 3600;

export interface GlobalContext {
  readonly findings: Findings;
  readonly origins: Origins;
}

/** The settings of global_defs for load balancing. */
export interface GlobalDefs {
  /** Its timeouts. */
  readonly director: Readonly<Record<string, unknown>>;
  readonly scriptUser: Setting<string> | undefined;
}

export function readGlobalDefs(statement: Statement, { findings, origins }: GlobalContext): GlobalDefs {
  const ignored = new Set<string>();
  let director: Record<string, unknown> = {};
  let scriptUser: Setting<string> | undefined;
  for (const inner of statement.body ?? []) {
    const keyword = keywordOf(inner);
    if (keyword === 'lvs_timeouts')
      director = { timeouts: { ...timeoutsOf(director), ...readTimeouts(inner, { findings, origins }) } };
    else if (keyword === 'script_user') scriptUser = readScriptUser(inner, findings) ?? scriptUser;
    else if (KNOWN.has(keyword) || /^(?:vrrp|bfd|checker)_\w/.test(keyword)) ignored.add(keyword);
    else unknownKeyword(inner, { known: [...KNOWN], level: 'in global_defs' }, findings);
  }
  if (ignored.size > 0)
    findings.warn(placeOf(statement), `global_defs: culvert does not use ${[...ignored].join(', ')}`);
  return { director, scriptUser };
}

function timeoutsOf(director: Readonly<Record<string, unknown>>): object {
  return (director['timeouts'] as object | undefined) ?? {};
}

function readTimeouts(statement: Statement, { findings, origins }: GlobalContext): Record<string, string> {
  const timeouts: Record<string, string> = {};
  const allowed = `tcp, tcpfin or udp, each with 1 to ${MAX_SECONDS} seconds, or 0 for culvert's default`;
  const words = parametersOf(statement);
  const [only] = words;
  if (words.length < 2) {
    const message = `lvs_timeouts: found ${describeFound(only?.text)}; allowed: ${allowed}; ${IGNORED}`;
    findings.complain(only?.place ?? placeOf(statement), message);
    return {};
  }
  for (let index = 0; index < words.length; index++) {
    const name = words[index] as Word;
    const key = TIMEOUTS.get(name.text);
    const value = key === undefined ? undefined : words[++index];
    if (key === undefined || value === undefined) {
      tellWrong(statement, name, { allowed, findings });
      continue;
    }
    const range = { from: 0, to: MAX_SECONDS };
    const seconds = readNumberWord(statement, value, { range, findings, lenient: false });
    // 0 leaves a timeout as it is, for IPVS and so for keepalived.
    if (seconds === undefined || seconds.value === 0) continue;
    timeouts[key] = formatDuration(seconds.value * 1000);
    origins.set(['director', 'timeouts', key], seconds.origin);
  }
  return timeouts;
}
