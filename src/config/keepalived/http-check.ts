import { HTTP_VERSIONS } from '../probe-config.ts';
import { REGEX_OPTIONS } from '../regex-options.ts';
import { number, text, toggle, within, word } from './keywords.ts';
import type { Findings } from './place.ts';
import { plainSettings, type Settings } from './plain-settings.ts';
import type { CheckContext, CheckOptions, ReadCheck, ReadUrl, UrlOptions } from './read-check.ts';
import {
  blockOf,
  ignore,
  type Keywords,
  originOf,
  readLevel,
  readNumber,
  required,
  type Setting,
  tellWrong,
} from './read-values.ts';
import { parametersOf, placeOf, type Statement } from './statement.ts';

const MAX_UNSIGNED = 2 ** 32 - 1;
export const VIRTUAL_HOST: Keywords<{ virtualHost?: Setting<string> | undefined }>[string] = text(
  'virtualHost',
  'a host name',
);

/** Of HTTP_GET and SSL_GET. */
export const HTTP_KEYWORDS: Keywords<ReadCheck> = {
  url: {
    parameters: 0,
    read: (statement, check, findings): void => {
      const url: ReadUrl = { origin: originOf(statement), options: {} };
      const body = blockOf(statement, findings);
      readLevel(body, { keywords: URL_KEYWORDS, target: url.options, level: 'in url' }, findings);
      check.urls.push(url);
    },
  },
  nb_get_retry: {
    parameters: 1,
    read: (statement, { timing }, findings): void => {
      findings.warn(placeOf(statement), 'nb_get_retry is an old name; retry is the same, as by keepalived');
      timing.retries = readNumber(statement, { from: 0, to: MAX_UNSIGNED }, findings) ?? timing.retries;
    },
  },
  ...within<'options', CheckOptions>('options', {
    virtualhost: VIRTUAL_HOST,
    http_protocol: word('httpVersion', HTTP_VERSIONS.join(', '), (found) =>
      HTTP_VERSIONS.find((version) => version === found.replace(/c$/, 'C')),
    ),
    enable_sni: toggle('enableSni'),
    fast_recovery: toggle('fastRecovery'),
  }),
};

const MAX_OFFSET = 2 ** 53 - 1;

const URL_KEYWORDS: Keywords<UrlOptions> = {
  path: text('path', 'the path of the url'),
  digest: word('digest', 'an MD5 digest of 32 hexadecimal digits', (found) =>
    /^[0-9a-fA-F]{32}$/.test(found) ? found.toLowerCase() : undefined,
  ),
  virtualhost: VIRTUAL_HOST,
  status_code: {
    parameters: Number.POSITIVE_INFINITY,
    read: (statement, url, findings): void => {
      const status = readStatus(statement, findings);
      const origin = originOf(statement, parametersOf(statement)[0]);
      url.status = { value: [...(url.status?.value ?? []), ...status], origin };
    },
  },
  regex: text('pattern', 'a regular expression'),
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
  regex_min_offset: number('minOffset', { from: 0, to: MAX_OFFSET }),
  regex_max_offset: number('maxOffset', { from: 0, to: MAX_OFFSET }),
  regex_stack: ignore("culvert's regular expressions have no stack to be sized"),
};

const STATUS = 'HTTP statuses from 100 to 599, or ranges such as 200-299';

/** As culvert's texts. */
function readStatus(statement: Statement, findings: Findings): string[] {
  required(statement, STATUS, findings);
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
      findings.warn(found.place, `regex_options: found '${found.text}'; ignored, as by keepalived`);
  return { value: known.map(({ text: name }) => name), origin: originOf(statement, known[0]) };
}

/** culvert's options of a check that fetches urls. */
export function httpSettings(check: ReadCheck, context: CheckContext): Settings {
  const { options, urls, origin, kind } = check;
  const { findings, origins, path } = context;
  if (urls.length === 0)
    findings.error(
      origin.place,
      `${origin.keyword}: no url is given; allowed: url { path ... } in its block`,
    );
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

function plainUrl({ options, origin }: ReadUrl, { path, origins, findings }: CheckContext): object {
  if (options.path === undefined)
    findings.error(origin.place, 'url: no path is given; allowed: path PATH in its block');
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
      findings.warn(orphan.origin.place, `${orphan.origin.keyword} is not used: there is no regex`);
    return undefined;
  }
  const offset = minOffset ?? maxOffset;
  if (offset !== undefined)
    findings.warn(
      offset.origin.place,
      `${offset.origin.keyword}: culvert counts from where the body begins, keepalived from where the header does`,
    );
  return { value: plainSettings({ pattern, ...others }, path, origins), origin: pattern.origin };
}

type Offsets = Pick<UrlOptions, 'minOffset' | 'maxOffset'>;

/** keepalived takes no offsets at all where nothing is between them (url_check() of check_http.c). */
function usableOffsets({ minOffset, maxOffset }: Offsets, findings: Findings): Offsets {
  if (minOffset === undefined || maxOffset === undefined || minOffset.value <= maxOffset.value)
    return { minOffset, maxOffset };
  findings.warn(
    minOffset.origin.place,
    `regex_min_offset: found ${minOffset.value}, more than regex_max_offset; both are ignored, as by keepalived`,
  );
  return {};
}
