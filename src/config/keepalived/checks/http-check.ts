// Reads and translates HTTP_GET and SSL_GET.
import { HTTP_VERSIONS } from '../../../contract/checks/probe-config.ts';
import { REGEX_OPTIONS } from '../../../contract/checks/regex-options.ts';
import { describeFound } from '../../validate/issue.ts';
import type { Word } from '../text/cut-words.ts';
import type { Findings } from '../text/place.ts';
import { parametersOf, placeOf, type Statement } from '../text/statement.ts';
import { text, toggle, within, word } from '../values/keywords.ts';
import { plainSettings, type Settings } from '../values/plain-settings.ts';
import {
  blockOf,
  expected,
  IGNORED,
  ignore,
  type Keywords,
  originOf,
  readLevel,
  readNumber,
  required,
  type Setting,
  tellTaken,
  tellWrong,
} from '../values/read-values.ts';
import { tellLeftOut } from './culvert-check-settings.ts';
import type {
  CheckContext,
  CheckOptions,
  LeftOutContext,
  ReadCheck,
  ReadUrl,
  UrlOptions,
} from './read-check.ts';

const MAX_UNSIGNED = 2 ** 32 - 1;
export const VIRTUAL_HOST: Keywords<{ virtualHost?: Setting<string> | undefined }>[string] = {
  parameters: 1,
  read: (statement, target, findings): void => {
    const found = expected(statement, 'a host name', findings);
    if (found === undefined) return;
    target.virtualHost = { value: found.text, origin: originOf(statement, found) };
    if (/\s/.test(found.text))
      findings.warn(
        found.place,
        `virtualhost: ${describeFound(found.text)} is not a host name; checks without a virtualhost of their own send it unchanged, as in keepalived`,
      );
  },
};

const URL_KEYWORDS: Keywords<UrlOptions> = {
  path: text('path', 'the path of the url'),
  digest: {
    parameters: 1,
    read: (statement, url, findings): void => {
      const allowed = 'an MD5 digest of 32 hexadecimal digits';
      const found = required(statement, allowed, findings);
      if (found === undefined) return;
      if (url.digest !== undefined)
        findings.complain(placeOf(statement), 'digest: the first one counts, as in keepalived');
      else if (/^[0-9a-fA-F]{32}$/.test(found.text))
        url.digest = { value: found.text.toLowerCase(), origin: originOf(statement, found) };
      else tellWrong(statement, found, { allowed, findings });
    },
  },
  virtualhost: VIRTUAL_HOST,
  status_code: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, url, findings): void => {
      const status = readStatus(statement, findings);
      const origin = originOf(statement, parametersOf(statement)[0]);
      if (status.length === 0 && url.status === undefined) return;
      url.status = { value: [...(url.status?.value ?? []), ...status], origin };
    },
  },
  regex: {
    parameters: 1,
    read: (statement, url, findings): void => {
      const [found, second] = parametersOf(statement);
      if (found !== undefined && second === undefined)
        url.pattern = { value: found.text, origin: originOf(statement, found) };
      else
        findings.complain(
          second?.place ?? placeOf(statement),
          `regex: found ${describeFound(second?.text)}; allowed: one regular expression, in quotes if it contains spaces; ${IGNORED}`,
        );
    },
  },
  regex_no_match: {
    parameters: 0,
    read: (statement, url): void => {
      url.mustNotMatch = { value: true, origin: originOf(statement) };
    },
  },
  regex_options: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, url, findings): void => {
      url.options = readRegexOptions(statement, findings);
    },
  },
  regex_min_offset: offsetOf('minOffset'),
  regex_max_offset: offsetOf('maxOffset'),
  regex_stack: ignore("culvert's regular expressions have no stack to be sized"),
};

/** Keywords of HTTP_GET and SSL_GET. */
export const HTTP_KEYWORDS: Keywords<ReadCheck> = {
  url: {
    parameters: 0,
    read: (statement, check, findings): void => {
      const url: ReadUrl = { origin: originOf(statement), options: {} };
      const keywords = URL_KEYWORDS;
      readLevel(blockOf(statement), { keywords, target: url.options, level: 'in url' }, findings);
      if (url.options.path !== undefined) check.urls.push(url);
      else
        findings.complain(
          placeOf(statement),
          `url: path is missing; allowed: path PATH in its block; ${IGNORED}`,
        );
    },
    block: URL_KEYWORDS,
  },
  nb_get_retry: {
    parameters: 1,
    read: (statement, { timing }, findings): void => {
      findings.complain(placeOf(statement), 'nb_get_retry is an old name; read as retry, as in keepalived');
      timing.retries = readNumber(statement, { from: 0, to: MAX_UNSIGNED }, findings) ?? timing.retries;
    },
  },
  ...within<'options', CheckOptions>('options', {
    virtualhost: VIRTUAL_HOST,
    http_protocol: word(
      'httpVersion',
      HTTP_VERSIONS.join(', '),
      (found) => HTTP_VERSIONS.find((version) => version === found.replace(/c$/, 'C')),
      'ignored',
    ),
    enable_sni: toggle('enableSni'),
    fast_recovery: toggle('fastRecovery'),
  }),
};

/** Reads an offset; keepalived reads an invalid one as 0 (regex_offset_handler()). */
function offsetOf<Name extends 'minOffset' | 'maxOffset'>(
  name: Name,
): Keywords<{ [name in Name]?: Setting<number> | undefined }>[string] {
  return {
    parameters: 1,
    read: (statement, url, findings): void => {
      const [found, extra] = parametersOf(statement);
      const allowed = 'one whole number';
      const value = Number(/^\s*\+?(\d+)$/.exec(found?.text ?? '')?.[1] ?? Number.NaN);
      const isRead = extra === undefined && Number.isSafeInteger(value);
      if (!isRead)
        tellTaken(statement, extra ?? found ?? ({ ...statement.words[0], text: '' } as Word), {
          allowed,
          findings,
          taken: '0',
        });
      url[name] = { value: isRead ? value : 0, origin: originOf(statement, found) };
    },
  };
}

const STATUS = 'HTTP statuses from 100 to 599, or ranges such as 200-299';

/** Returns statuses in culvert's form. */
function readStatus(statement: Statement, findings: Findings): string[] {
  return parametersOf(statement).flatMap((found) => {
    const match = /^(\d{3})(?:-(\d{3}))?$/.exec(found.text);
    const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match !== null && from >= 100 && from <= to && to <= 599) return [found.text];
    tellWrong(statement, found, { allowed: STATUS, findings });
    return [];
  });
}

function readRegexOptions(statement: Statement, findings: Findings): Setting<readonly string[]> {
  const words = parametersOf(statement);
  const known = words.filter(({ text: name }) => Object.hasOwn(REGEX_OPTIONS, name));
  for (const found of words)
    if (!known.includes(found))
      findings.warn(found.place, `regex_options: found '${found.text}'; ignored, as in keepalived`);
  return { value: known.map(({ text: name }) => name), origin: originOf(statement, known[0]) };
}

export function lacksUrl({ urls, origin }: ReadCheck, { findings }: LeftOutContext): boolean {
  if (urls.length > 0) return false;
  tellLeftOut(origin, { what: 'url is missing', allowed: 'url { path ... } in its block', findings });
  return true;
}

/** culvert's options of a check that fetches urls. */
export function httpSettings(check: ReadCheck, context: CheckContext): Settings {
  const { options, urls, origin, kind } = check;
  const { origins, path } = context;
  const value = urls.map((url, index) => plainUrl(url, { ...context, path: [...path, 'urls', index] }));
  for (const [index, url] of urls.entries()) origins.set([...path, 'urls', index], url.origin);
  const { httpVersion = { value: '1.0', origin }, enableSni, fastRecovery } = options;
  return {
    urls: { value, origin },
    // keepalived fetches one at a time.
    rotate: urls.length > 1 ? { value: true, origin } : undefined,
    fastRecovery,
    httpVersion,
    virtualHost: options.virtualHost ?? context.virtualHost,
    sni: kind.type === 'https' && enableSni?.value === true ? enableSni : undefined,
  };
}

function plainUrl({ options }: ReadUrl, { path, origins, findings }: CheckContext): object {
  const { path: where, virtualHost, status, digest } = options;
  const regex = plainRegex(options, { path: [...path, 'regex'], origins, findings });
  return plainSettings({ path: where, virtualHost, status, digest, regex }, path, origins);
}

function plainRegex(
  { pattern, options, mustNotMatch, ...found }: UrlOptions,
  { path, origins, findings }: Pick<CheckContext, 'path' | 'origins' | 'findings'>,
): Setting<object> | undefined {
  const { minOffset, maxOffset } = pattern === undefined ? found : usableOffsets(found, findings);
  const others = { options, mustNotMatch, minOffset, maxOffset };
  const [orphan] = Object.values(others).filter((option) => option !== undefined);
  if (pattern === undefined) {
    if (orphan !== undefined)
      findings.complain(orphan.origin.place, `${orphan.origin.keyword} is ignored: there is no regex`);
    return undefined;
  }
  const offset = minOffset ?? maxOffset;
  if (offset !== undefined)
    findings.warn(
      offset.origin.place,
      `${offset.origin.keyword}: culvert counts from the start of the body, keepalived from the start of the header`,
    );
  return { value: plainSettings({ pattern, ...others }, path, origins), origin: pattern.origin };
}

type Offsets = Pick<UrlOptions, 'minOffset' | 'maxOffset'>;

/** keepalived takes no offsets at all where nothing is between them (url_check() of check_http.c). */
function usableOffsets({ minOffset, maxOffset }: Offsets, findings: Findings): Offsets {
  if (minOffset === undefined || maxOffset === undefined || minOffset.value <= maxOffset.value)
    return { minOffset, maxOffset };
  findings.complain(
    minOffset.origin.place,
    `regex_min_offset: found ${minOffset.value}, more than regex_max_offset; both are ignored, as in keepalived`,
  );
  return {};
}
