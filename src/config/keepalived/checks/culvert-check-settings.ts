// Translates the options of the SMTP, DNS, UDP, MISC and FILE checks.
import { describeFound } from '../../validate/issue.ts';
import type { Findings } from '../text/place.ts';
import type { Origin } from '../values/origins.ts';
import type { Settings } from '../values/plain-settings.ts';
import type { Setting } from '../values/read-values.ts';
import type { CheckContext, LeftOutContext, ReadCheck } from './read-check.ts';

/** The name that keepalived sends in HELO by default (check_smtp.h). */
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

/** keepalived asks for the root where no name is given, and takes a refusal for a failure. */
export function dnsSettings(check: ReadCheck, { findings }: CheckContext): Settings {
  const { queryType, queryName } = check.options;
  if (queryName === undefined)
    findings.warn(
      check.origin.place,
      'DNS_CHECK: name is missing, so the check asks for the root zone, which a server that is not a resolver refuses; fix: add name ZONE',
    );
  return { queryType, queryName: queryName ?? standard(check, '.') };
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
export function miscSettings(check: ReadCheck, { outermost, scriptUser }: CheckContext): Settings {
  const { command, dynamic, timeout = outermost.interval, user = scriptUser } = check.options;
  return { command, timeout: timeout ?? standard(check, DEFAULT_INTERVAL), dynamic, user };
}

export function lacksProgram({ options, origin }: ReadCheck, { findings }: LeftOutContext): boolean {
  if (options.isLeftOut === true) return true;
  if (options.command !== undefined) return false;
  tellLeftOut(origin, {
    what: 'the program is missing',
    allowed: 'misc_path PROGRAM in its block',
    findings,
  });
  return true;
}

/** Warns of a check that keepalived leaves out. */
export function tellLeftOut(
  { place, keyword }: Origin,
  { what, allowed, findings }: { what: string; allowed: string; findings: Findings },
): void {
  findings.complain(
    place,
    `${keyword}: ${what}; allowed: ${allowed}; the check is skipped, as in keepalived`,
  );
}

export function lacksTrackFile(check: ReadCheck, { trackFiles, findings }: LeftOutContext): boolean {
  const { trackFile } = check.options;
  if (trackFile !== undefined && trackFiles.has(trackFile.value)) return false;
  const what = `found ${describeFound(trackFile?.value)}`;
  const allowed = `the name of a track_file (${[...trackFiles.keys()].join(', ') || 'none is defined'})`;
  tellLeftOut(trackFile?.origin ?? check.origin, { what, allowed, findings });
  return true;
}

export function fileSettings(check: ReadCheck, { trackFiles }: CheckContext): Settings {
  const { trackFile, weight, reverse } = check.options;
  const known = trackFiles.get(trackFile?.value ?? '');
  const own = weight === undefined ? known : { weight, reverse };
  return {
    file: known?.file,
    weight: own?.weight ?? standard(check, 1),
    reverse: own?.reverse,
    interval: standard(check, FILE_INTERVAL),
  };
}
