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
import { parametersOf, type Statement } from './statement.ts';

const MAX_UNSIGNED = 2 ** 32 - 1;
const VERSIONS: ReadonlyMap<string, string> = new Map([
  ['1.0', '1.0'],
  // It differs by a field that culvert always sends.
  ['1.0C', '1.0'],
  ['1.0c', '1.0'],
  ['1.1', '1.1'],
]);

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
      timing.retries = readNumber(statement, { from: 0, to: MAX_UNSIGNED }, findings) ?? timing.retries;
    },
  },
  ...within<'options', CheckOptions>('options', {
    virtualhost: VIRTUAL_HOST,
    http_protocol: word('httpVersion', '1.0, 1.0C or 1.1', (found) => VERSIONS.get(found)),
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
      url.flags = readRegexOptions(statement, findings);
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

/** PCRE2's names of what JavaScript has letters for. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['caseless', 'i'],
  ['multiline', 'm'],
  ['dotall', 's'],
]);
/** They change what matches, and JavaScript has not got them. */
const UNABLE: readonly string[] =
  'allow_empty_class alt_bsux alt_circumflex alt_verbnames dollar_endonly dupnames extended firstline match_unset_backref no_auto_capture ucp ungreedy utf'.split(
    ' ',
  );
/** They make PCRE2 faster or slower, or forbid what JavaScript has not got. */
const WITHOUT_EFFECT: readonly string[] =
  'auto_callout never_backslash_c never_ucp never_utf no_auto_possess no_dotstar_anchor no_start_optimize use_offset_limit'.split(
    ' ',
  );

function readRegexOptions(statement: Statement, findings: Findings): Setting<string> {
  const allowed = [...FLAGS.keys()].join(', ');
  const flags = new Set<string>();
  for (const found of parametersOf(statement)) {
    const letter = FLAGS.get(found.text);
    if (letter !== undefined) flags.add(letter);
    else if (UNABLE.includes(found.text)) tellWrong(statement, found, { allowed, findings });
    else if (!WITHOUT_EFFECT.includes(found.text))
      findings.warn(found.place, `regex_options: found '${found.text}'; ignored, as by keepalived`);
  }
  return { value: [...flags].join(''), origin: originOf(statement) };
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
  const virtualHost = options.virtualHost ?? context.virtualHost;
  const value = urls.map((url, index) => plainUrl(url, { ...context, path: [...path, 'urls', index] }));
  for (const [index, url] of urls.entries()) origins.set([...path, 'urls', index], url.origin);
  return {
    urls: { value, origin },
    httpVersion: options.httpVersion ?? { value: '1.0', origin },
    virtualHost,
    sni: kind.type === 'https' ? serverName(check, virtualHost, findings) : undefined,
  };
}

function plainUrl({ options, origin }: ReadUrl, { path, origins, findings }: CheckContext): object {
  const {
    path: where,
    virtualHost,
    status,
    digest,
    pattern,
    flags,
    mustNotMatch,
    minOffset,
    maxOffset,
  } = options;
  if (where === undefined)
    findings.error(origin.place, 'url: no path is given; allowed: path PATH in its block');
  const regexOptions = { flags, mustNotMatch, minOffset, maxOffset };
  const orphan = Object.values(regexOptions).find((option) => option !== undefined);
  if (pattern === undefined && orphan !== undefined)
    findings.warn(orphan.origin.place, `${orphan.origin.keyword} is not used: there is no regex`);
  const regex =
    pattern === undefined
      ? undefined
      : {
          value: plainSettings({ pattern, ...regexOptions }, [...path, 'regex'], origins),
          origin: pattern.origin,
        };
  return plainSettings({ path: where, virtualHost, status, digest, regex }, path, origins);
}

/** The name that TLS asks for with `enable_sni`: the virtual host, and one for all urls. */
function serverName(
  { options, urls }: ReadCheck,
  virtualHost: Setting<string> | undefined,
  findings: Findings,
): Setting<string> | undefined {
  const { enableSni } = options;
  if (enableSni?.value !== true) return undefined;
  const names = urls.map((url) => url.options.virtualHost ?? virtualHost);
  const [first] = names;
  if (names.some((name) => name?.value !== first?.value)) {
    const message = `${enableSni.origin.keyword}: the urls have several virtual hosts; allowed: a check for each`;
    findings.error(enableSni.origin.place, message);
  }
  return first;
}
