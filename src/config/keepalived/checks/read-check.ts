// A check of keepalived as it is written.
import type { HttpVersion } from '../../../contract/checks/probe-config.ts';
import type { IssuePath } from '../../validate/issue.ts';
import type { Findings } from '../text/place.ts';
import type { Origin, Origins } from '../values/origins.ts';
import type { Settings } from '../values/plain-settings.ts';
import type { Keywords, Setting } from '../values/read-values.ts';
import type { BfdInstances } from './bfd-settings.ts';
import type { Timing } from './timing.ts';
import type { TrackFiles } from './track-files.ts';

/** A check as it is written, before what the levels around it say is merged in. */
export interface ReadCheck {
  readonly kind: CheckKind;
  readonly origin: Origin;
  readonly timing: Timing;
  /** The connect_timeout that a level around the check gives before it: SMTP_CHECK takes no later one. */
  readonly timeoutSoFar?: Setting<string> | undefined;
  /** The hosts of `SMTP_CHECK`: further checks, each with its own connection. */
  readonly hosts: ReadCheck[];
  readonly urls: ReadUrl[];
  readonly connection: Connection;
  /** The source from which packets leave. */
  readonly bind: Bind;
  logAllFailures?: Setting<boolean> | undefined;
  readonly options: CheckOptions;
}

/** Settings of checks that connect. */
export type Connection = {
  address?: Setting<string> | undefined;
  port?: Setting<number> | undefined;
  mark?: Setting<number> | undefined;
};

export type Bind = {
  address?: Setting<string> | undefined;
  port?: Setting<number> | undefined;
  interface?: Setting<string> | undefined;
};

/** The options of single kinds of checks, under culvert's names where it has the same option. */
export type CheckOptions = {
  httpVersion?: Setting<HttpVersion> | undefined;
  virtualHost?: Setting<string> | undefined;
  enableSni?: Setting<boolean> | undefined;
  fastRecovery?: Setting<boolean> | undefined;
  helo?: Setting<string> | undefined;
  queryType?: Setting<string> | undefined;
  queryName?: Setting<string> | undefined;
  payload?: Setting<string> | undefined;
  reply?: Setting<string> | undefined;
  minReplyLength?: Setting<number> | undefined;
  maxReplyLength?: Setting<number> | undefined;
  command?: Setting<readonly string[]> | undefined;
  timeout?: Setting<string> | undefined;
  dynamic?: Setting<boolean> | undefined;
  user?: Setting<string> | undefined;
  trackFile?: Setting<string> | undefined;
  bfdInstance?: Setting<string> | undefined;
  alpha?: Setting<boolean> | undefined;
  weight?: Setting<number> | undefined;
  reverse?: Setting<boolean> | undefined;
  /** keepalived skips the check; the reason is already reported. */
  isLeftOut?: boolean;
};

export interface ReadUrl {
  readonly origin: Origin;
  readonly options: UrlOptions;
}

export type UrlOptions = {
  path?: Setting<string> | undefined;
  virtualHost?: Setting<string> | undefined;
  status?: Setting<readonly string[]> | undefined;
  digest?: Setting<string> | undefined;
  pattern?: Setting<string> | undefined;
  /** PCRE2's, by keepalived's names. */
  options?: Setting<readonly string[]> | undefined;
  mustNotMatch?: Setting<boolean> | undefined;
  minOffset?: Setting<number> | undefined;
  maxOffset?: Setting<number> | undefined;
};

export interface CheckKind {
  /** culvert's name of it. */
  readonly type: string;
  readonly retries: number;
  /** Seconds; undefined: as long as the interval. */
  readonly retryDelay: number | undefined;
  /** The shared keywords that this kind of check has. */
  readonly shares: 'connection and timing' | 'timing' | 'nothing';
  /** Keywords of this kind alone. */
  readonly own: Keywords<ReadCheck>;
  /** culvert's options for them. */
  readonly settings: (check: ReadCheck, context: CheckContext) => Settings;
  /** Warns, and says true, where keepalived leaves out a check that lacks something. */
  readonly isLeftOut?: (check: ReadCheck, context: LeftOutContext) => boolean;
}

export interface LeftOutContext {
  readonly findings: Findings;
  readonly trackFiles: TrackFiles;
  readonly bfdInstances: BfdInstances;
}

/** The levels around a check. */
export interface CheckContext {
  readonly path: IssuePath;
  readonly origins: Origins;
  readonly findings: Findings;
  /** The timing of the virtual server and the real server, merged. */
  readonly around: Timing;
  /** The timing of the virtual server alone. */
  readonly outermost: Timing;
  readonly virtualHost: Setting<string> | undefined;
  readonly trackFiles: TrackFiles;
  readonly bfdInstances: BfdInstances;
  readonly scriptUser: Setting<string> | undefined;
}
