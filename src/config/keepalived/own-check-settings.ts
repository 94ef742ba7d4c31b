import type { Settings } from './plain-settings.ts';
import type { CheckContext, ReadCheck } from './read-check.ts';
import type { Setting } from './read-values.ts';

/** What keepalived says HELO with by itself (check_smtp.h). */
const HELO = 'smtpchecker.keepalived.org';
const LONGEST_REPLY = 255;
/** It is read whenever it changes, in any case. */
const FILE_INTERVAL = '10s';

export const DEFAULT_INTERVAL = '60s';

function standard<Value>({ origin }: ReadCheck, value: Value): Setting<Value> {
  return { value, origin };
}

export function smtpSettings(check: ReadCheck): Settings {
  return { helo: check.options.helo ?? standard(check, HELO) };
}

export function dnsSettings({ options: { queryType, queryName } }: ReadCheck): Settings {
  return { queryType, queryName };
}

export function udpSettings(check: ReadCheck, { findings }: CheckContext): Settings {
  const { payload, reply, minReplyLength } = check.options;
  if (reply === undefined) return { payload };
  const maxReplyLength = check.options.maxReplyLength ?? standard(check, LONGEST_REPLY);
  if (minReplyLength !== undefined && minReplyLength.value > maxReplyLength.value)
    findings.error(
      minReplyLength.origin.place,
      `min_reply_length: found ${minReplyLength.value}, more than max_reply_length; allowed: a whole number from 0 to ${maxReplyLength.value}`,
    );
  return { payload, reply, minReplyLength, maxReplyLength };
}

/** It may take as long as the virtual server's interval unless it says otherwise, not the check's (misc_check_thread()). */
export function miscSettings(check: ReadCheck, { outermost, scriptUser, findings }: CheckContext): Settings {
  const { command, dynamic, timeout = outermost.interval, user = scriptUser } = check.options;
  if (command === undefined)
    findings.error(
      check.origin.place,
      `${check.origin.keyword}: no program is given; allowed: misc_path PROGRAM in its block`,
    );
  return { command, timeout: timeout ?? standard(check, DEFAULT_INTERVAL), dynamic, user };
}

export function fileSettings(check: ReadCheck, { trackFiles, findings }: CheckContext): Settings {
  const { trackFile, weight, reverse } = check.options;
  const known = trackFile === undefined ? undefined : trackFiles.get(trackFile.value);
  if (known === undefined) {
    const { place, keyword } = trackFile?.origin ?? check.origin;
    const allowed = `the name of a track_file (${[...trackFiles.keys()].join(', ') || 'none is defined'})`;
    findings.error(place, `${keyword}: found ${trackFile?.value ?? 'nothing'}; allowed: ${allowed}`);
  }
  const own = weight === undefined ? known : { weight, reverse };
  return {
    file: known?.file,
    weight: own?.weight ?? standard(check, 1),
    reverse: own?.reverse,
    interval: standard(check, FILE_INTERVAL),
  };
}
