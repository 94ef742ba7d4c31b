// The kinds of checks of keepalived, each with its keywords and its translation.
import { BFD_CHECK_KEYWORDS, bfdSettings, lacksInstance } from './bfd-instance.ts';
import {
  DNS_KEYWORDS,
  FILE_KEYWORDS,
  MISC_KEYWORDS,
  SMTP_KEYWORDS,
  UDP_KEYWORDS,
} from './culvert-check-keywords.ts';
import {
  dnsSettings,
  fileSettings,
  lacksProgram,
  lacksTrackFile,
  miscSettings,
  smtpSettings,
  udpSettings,
} from './culvert-check-settings.ts';
import { HTTP_KEYWORDS, httpSettings, lacksUrl } from './http-check.ts';
import type { CheckKind } from './read-check.ts';

/** keepalived's usual defaults. */
const USUAL: Pick<CheckKind, 'retries' | 'retryDelay' | 'shares' | 'own'> = {
  retries: 1,
  retryDelay: 1,
  shares: 'connection and timing',
  own: {},
};
const HTTP = { ...USUAL, retryDelay: 3, own: HTTP_KEYWORDS, settings: httpSettings, isLeftOut: lacksUrl };
/** keepalived's checks with their defaults: check_api.c and the check_*.c of 2.2.7. */
export const CHECK_KINDS: Readonly<Record<string, CheckKind>> = {
  TCP_CHECK: { ...USUAL, type: 'tcp', settings: () => ({}) },
  HTTP_GET: { ...HTTP, type: 'http' },
  SSL_GET: { ...HTTP, type: 'https' },
  SMTP_CHECK: {
    ...USUAL,
    type: 'smtp',
    own: SMTP_KEYWORDS,
    settings: smtpSettings,
  },
  DNS_CHECK: {
    ...USUAL,
    type: 'dns',
    retries: 3,
    retryDelay: undefined,
    own: DNS_KEYWORDS,
    settings: dnsSettings,
  },
  UDP_CHECK: { ...USUAL, type: 'udp', own: UDP_KEYWORDS, settings: udpSettings },
  PING_CHECK: { ...USUAL, type: 'ping', settings: () => ({}) },
  MISC_CHECK: {
    ...USUAL,
    type: 'misc',
    retries: 0,
    shares: 'timing',
    own: MISC_KEYWORDS,
    settings: miscSettings,
    isLeftOut: lacksProgram,
  },
  FILE_CHECK: {
    ...USUAL,
    type: 'file',
    retries: 0,
    shares: 'nothing',
    own: FILE_KEYWORDS,
    settings: fileSettings,
    isLeftOut: lacksTrackFile,
  },
  BFD_CHECK: {
    ...USUAL,
    type: 'bfd',
    shares: 'nothing',
    own: BFD_CHECK_KEYWORDS,
    settings: bfdSettings,
    isLeftOut: lacksInstance,
  },
};
