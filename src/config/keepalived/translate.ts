// Translates all blocks of a keepalived.conf into culvert's format.
import { INSTANCE_KEYWORDS, readBfdInstances } from './checks/bfd-instance.ts';
import { readSsl, SSL_KEYWORDS } from './checks/ssl-block.ts';
import { readTrackFiles, TRACK_FILE_KEYWORDS, TRACK_FILE_LEVEL } from './checks/track-files.ts';
import {
  mergeServices,
  type PlainService,
  plainService,
  type ReadService,
  readVirtualServer,
} from './services/virtual-server.ts';
import { readGroups } from './services/virtual-server-group.ts';
import { VIRTUAL_SERVER_KEYWORDS } from './services/virtual-server-keywords.ts';
import type { Level } from './text/grammar.ts';
import type { Grammars, ParsedKeepalived } from './text/parse-statements.ts';
import type { Findings } from './text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './text/statement.ts';
import { GLOBAL_LEVEL, type GlobalContext, type GlobalDefs, readGlobalDefs } from './values/global-defs.ts';
import { Origins } from './values/origins.ts';
import { originOf, unknownKeyword } from './values/read-values.ts';

/** The values of a keepalived.conf in culvert's format, not validated yet, and where they come from. */
export interface Translated {
  readonly director: Readonly<Record<string, unknown>>;
  readonly services: readonly PlainService[];
  readonly origins: Origins;
}

const VRRP = 'keepalived runs it beside culvert; start it with --vrrp';
const NETWORK = 'culvert does not set addresses, routes or rules of this machine';

/** Keywords of the outermost level outside load balancing: one warning each. */
const OUTSIDE: Readonly<Record<string, string>> = {
  vrrp_instance: VRRP,
  vrrp_sync_group: VRRP,
  vrrp_script: VRRP,
  vrrp_track_process: VRRP,
  track_process: VRRP,
  track_group: VRRP,
  static_track_group: VRRP,
  garp_group: VRRP,
  interface_up_down_delays: VRRP,
  linkbeat_interfaces: VRRP,
  linkbeat_use_polling: VRRP,
  static_ipaddress: NETWORK,
  static_routes: NETWORK,
  static_rules: NETWORK,
  net_namespace: 'start culvert inside the namespace',
  net_namespace_ipvs: 'start culvert inside the namespace',
  namespace_with_ipsets: 'culvert uses no ipsets',
  use_pid_dir: 'culvert writes no pid files',
  child_wait_time: 'culvert is a single process',
};

const INSIDE = [
  'bfd_instance',
  'global_defs',
  'virtual_server',
  'virtual_server_group',
  'SSL',
  'instance',
  ...TRACK_FILE_KEYWORDS,
];

const SKIPPED: Level[string] = { block: 'skipped' };
const OUTER: Level = Object.fromEntries(Object.keys(OUTSIDE).map((name) => [name, SKIPPED]));
const CHECKER: Level = {
  bfd_instance: { block: INSTANCE_KEYWORDS },
  virtual_server: { block: VIRTUAL_SERVER_KEYWORDS },
  virtual_server_group: { block: 'values' },
  SSL: { block: SSL_KEYWORDS },
  ...Object.fromEntries(TRACK_FILE_KEYWORDS.map((name) => [name, { block: TRACK_FILE_LEVEL }])),
};

/** Each process of keepalived looks at its own keywords, and only counts the braces of others. */
export const GRAMMARS: Grammars = {
  checker: { ...OUTER, ...CHECKER, global_defs: SKIPPED, instance: SKIPPED },
  parent: {
    ...OUTER,
    ...Object.fromEntries(Object.keys(CHECKER).map((name) => [name, SKIPPED])),
    global_defs: { block: GLOBAL_LEVEL },
    instance: {},
  },
};

function outsideWords(keyword: string): string {
  const why = OUTSIDE[keyword];
  return why === VRRP ? `${keyword}: ${why}` : `${keyword} is not used: ${why}`;
}

/** Translates the load balancing of a keepalived.conf to culvert's values. `findings` gets whatever culvert does not support. */
export function translate(
  { statements, global }: Pick<ParsedKeepalived, 'statements' | 'global'>,
  findings: Findings,
): Translated {
  const origins = new Origins();
  const { director: timeouts, scriptUser } = readAllGlobalDefs(global, { findings, origins });
  const groups = readGroups(statements, findings);
  const trackFiles = readTrackFiles(statements, findings);
  const bfdInstances = readBfdInstances(statements, findings);
  const context = { findings, origins, groups, trackFiles, bfdInstances, scriptUser };
  const read: ReadService[] = [];
  let director: Record<string, unknown> = { ...timeouts };
  for (const statement of statements) {
    const keyword = keywordOf(statement);
    if (keyword === 'virtual_server') read.push(...readVirtualServer(statement, context));
    else if (keyword === 'instance') director = { ...director, ...readInstance(statement, origins) };
    else if (keyword === 'SSL') readSsl(statement, findings);
    else if (Object.hasOwn(OUTSIDE, keyword)) findings.warn(placeOf(statement), outsideWords(keyword));
    else if (!INSIDE.includes(keyword))
      unknownKeyword(statement, { known: [...INSIDE, ...Object.keys(OUTSIDE)], level: 'here' }, findings);
  }
  const services = mergeServices(read, findings).map((service, index) =>
    plainService(service, index, context),
  );
  return { director, services, origins };
}

/** The last one in the file counts. */
function readAllGlobalDefs(statements: readonly Statement[], context: GlobalContext): GlobalDefs {
  const blocks = statements.filter((statement) => keywordOf(statement) === 'global_defs');
  return blocks.reduce<GlobalDefs>(
    (before, block) => {
      const { director, scriptUser } = readGlobalDefs(block, context);
      return {
        director: { ...before.director, ...director },
        scriptUser: scriptUser ?? before.scriptUser,
      };
    },
    { director: {}, scriptUser: undefined },
  );
}

function readInstance(statement: Statement, origins: Origins): { instance?: string } {
  const [word] = parametersOf(statement);
  if (word === undefined) return {};
  origins.set(['director', 'instance'], originOf(statement, word));
  return { instance: word.text };
}
