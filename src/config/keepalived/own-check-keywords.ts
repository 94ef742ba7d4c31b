import { formatDuration } from '../duration.ts';
import { DNS_QUERY_TYPES } from '../probe-config.ts';
import { programAndArguments } from './commands.ts';
import { readHexadecimal } from './hexadecimal.ts';
import { flag, number, text, within, word } from './keywords.ts';
import type { Findings } from './place.ts';
import type { CheckOptions, ReadCheck } from './read-check.ts';
import { type Keywords, originOf, readNumber, required, tellWrong } from './read-values.ts';
import { readScriptUser } from './script-user.ts';
import { parametersOf, type Statement } from './statement.ts';
import { multiplier } from './track-files.ts';

const MAX_SECONDS = 4294;
const MAX_LENGTH = 65_535;

export const SMTP_KEYWORDS: Keywords<ReadCheck> = within<'options', CheckOptions>('options', {
  helo_name: text('helo', 'the name to say HELO with'),
});

export const DNS_KEYWORDS: Keywords<ReadCheck> = within<'options', CheckOptions>('options', {
  type: word('queryType', `one of ${Object.keys(DNS_QUERY_TYPES).join(', ')}`, (found) =>
    Object.hasOwn(DNS_QUERY_TYPES, found.toUpperCase()) ? found.toUpperCase() : undefined,
  ),
  name: text('queryName', 'a domain name'),
});

const BYTES = 'bytes of two hexadecimal digits each';

export const UDP_KEYWORDS: Keywords<ReadCheck> = {
  payload: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, { options }, findings): void => {
      const value = readBytes(statement, { allowed: BYTES, wildcards: false }, findings);
      if (value !== undefined) options.payload = { value, origin: originOf(statement) };
    },
  },
  require_reply: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, { options }, findings): void => {
      const some = parametersOf(statement).length > 0;
      const allowed = `nothing, or ${BYTES}, x for a digit that may be any`;
      const value = some ? readBytes(statement, { allowed, wildcards: true }, findings) : 'any';
      if (value !== undefined) options.reply = { value, origin: originOf(statement) };
    },
  },
  ...within<'options', CheckOptions>('options', {
    min_reply_length: number('minReplyLength', { from: 0, to: MAX_LENGTH }),
    max_reply_length: number('maxReplyLength', { from: 0, to: MAX_LENGTH }),
  }),
};

/** All words are one text, with blanks between them. */
function readBytes(
  statement: Statement,
  { allowed, wildcards }: { allowed: string; wildcards: boolean },
  findings: Findings,
): string | undefined {
  const first = required(statement, allowed, findings);
  if (first === undefined) return undefined;
  const all = parametersOf(statement).map((found) => found.text);
  const value = readHexadecimal(all.join(' '), wildcards);
  if (value === undefined) tellWrong(statement, { ...first, text: all.join(' ') }, { allowed, findings });
  return value;
}

export const MISC_KEYWORDS: Keywords<ReadCheck> = {
  misc_path: {
    parameters: 1,
    read: (statement, { options }, findings): void => {
      const line = required(statement, 'a program with its arguments, in quotes if it has any', findings);
      if (line === undefined) return;
      const value = programAndArguments(line.text, line.place, findings);
      options.command = { value, origin: originOf(statement, line) };
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
      options.user = readScriptUser(statement, findings) ?? options.user;
    },
  },
  ...within<'options', CheckOptions>('options', { misc_dynamic: flag('dynamic') }),
};

export const FILE_KEYWORDS: Keywords<ReadCheck> = within<'options', CheckOptions>('options', {
  track_file: text('trackFile', 'the name of a track_file'),
  weight: multiplier(),
});
