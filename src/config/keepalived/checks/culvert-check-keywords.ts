// Keywords of the SMTP, DNS, UDP, MISC and FILE checks.
import { DNS_QUERY_TYPES } from '../../../contract/checks/probe-config.ts';
import { formatDuration } from '../../../contract/values/duration.ts';
import type { Word } from '../text/cut-words.ts';
import type { Findings } from '../text/place.ts';
import { parametersOf, placeOf, type Statement } from '../text/statement.ts';
import { readHexadecimal } from '../values/hexadecimal.ts';
import { flag, number, text, within, word } from '../values/keywords.ts';
import { programAndArguments } from '../values/read-command.ts';
import { expected, type Keywords, originOf, readNumber, required, tellWrong } from '../values/read-values.ts';
import { readScriptUser } from '../values/script-user.ts';
import type { CheckOptions, ReadCheck } from './read-check.ts';
import { CHECK_WEIGHT } from './track-files.ts';

const MAX_SECONDS = 4294;
const MAX_LENGTH = 65_535;

export const SMTP_KEYWORDS: Keywords<ReadCheck> = within<'options', CheckOptions>('options', {
  helo_name: text('helo', 'the name to say HELO with', 'ignored'),
});

export const DNS_KEYWORDS: Keywords<ReadCheck> = within<'options', CheckOptions>('options', {
  type: word('queryType', `one of ${Object.keys(DNS_QUERY_TYPES).join(', ')}`, (found) =>
    Object.hasOwn(DNS_QUERY_TYPES, found.toUpperCase()) ? found.toUpperCase() : undefined,
  ),
  name: {
    parameters: 1,
    read: (statement, options, findings): void => {
      const found = required(statement, 'a domain name', findings);
      if (found === undefined) return;
      if (/^\.[^]|\.\./.test(found.text))
        tellWrong(statement, found, { allowed: 'a domain name without empty labels', findings });
      else if (options.queryName !== undefined)
        findings.complain(placeOf(statement), 'name: the first one counts, as in keepalived');
      else options.queryName = { value: found.text, origin: originOf(statement, found) };
    },
  },
});

const BYTES = 'bytes of two hexadecimal digits each';

export const UDP_KEYWORDS: Keywords<ReadCheck> = {
  payload: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, { options }, findings): void => {
      const first = expected(statement, BYTES, findings);
      const value = first && readBytes(statement, { first, allowed: BYTES, wildcards: false }, findings);
      if (value !== undefined) options.payload = { value, origin: originOf(statement) };
    },
  },
  require_reply: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, { options }, findings): void => {
      const [first] = parametersOf(statement);
      const allowed = `nothing, or ${BYTES}, with x for any digit`;
      const value = first && readBytes(statement, { first, allowed, wildcards: true }, findings);
      // If keepalived cannot read the bytes, it still requires some reply.
      options.reply = { value: value ?? 'any', origin: originOf(statement) };
    },
  },
  ...within<'options', CheckOptions>('options', {
    min_reply_length: number('minReplyLength', { from: 0, to: MAX_LENGTH }, { lenient: false }),
    max_reply_length: number('maxReplyLength', { from: 0, to: MAX_LENGTH }, { lenient: false }),
  }),
};

/** All words are one text, with blanks between them. */
function readBytes(
  statement: Statement,
  { first, allowed, wildcards }: { first: Word; allowed: string; wildcards: boolean },
  findings: Findings,
): string | undefined {
  const all = parametersOf(statement).map((found) => found.text);
  const value = readHexadecimal(all.join(' '), wildcards);
  if (value === undefined) tellWrong(statement, { ...first, text: all.join(' ') }, { allowed, findings });
  return value;
}

export const MISC_KEYWORDS: Keywords<ReadCheck> = {
  misc_path: {
    parameters: 1,
    read: (statement, { options }, findings): void => {
      // The end of the check reports a missing program.
      const [line] = parametersOf(statement);
      if (line === undefined) return;
      const value = programAndArguments(line.text, line.place, findings);
      const [program] = value;
      if (program === undefined) return;
      const fault = findings.lookup.programFault(program);
      if (fault === undefined) options.command = { value, origin: originOf(statement, line) };
      else {
        options.isLeftOut = true;
        findings.complain(line.place, `misc_path: ${fault}; the check is skipped, as in keepalived`);
      }
    },
  },
  misc_timeout: {
    parameters: 1,
    read: (statement, { options }, findings): void => {
      const seconds = readNumber(statement, { from: 0, to: MAX_SECONDS }, findings);
      if (seconds === undefined) return;
      // 0 is as if nothing were said.
      options.timeout =
        seconds.value === 0 ? undefined : { ...seconds, value: formatDuration(seconds.value * 1000) };
    },
  },
  user: {
    parameters: 2,
    read: (statement, { options }, findings): void => {
      const user = readScriptUser(statement, findings);
      const fault = user && findings.lookup.userFault(user.value);
      if (user === undefined) return;
      if (fault === undefined) options.user = user;
      else {
        options.isLeftOut = true;
        findings.complain(user.origin.place, `user: ${fault}; the check is skipped, as in keepalived`);
      }
    },
  },
  ...within<'options', CheckOptions>('options', { misc_dynamic: flag('dynamic') }),
};

export const FILE_KEYWORDS: Keywords<ReadCheck> = within<'options', CheckOptions>('options', {
  track_file: text('trackFile', 'the name of a track_file'),
  weight: CHECK_WEIGHT,
});
