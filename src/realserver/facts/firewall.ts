// Reads and writes the rules that clamp the MSS.
import { execFileSync } from 'node:child_process';
import { CulvertError } from '../../errors.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import type { ClampName, ClampSpec } from '../plan/action.ts';
import { CLAMP_PREFIX, parseIptablesClamps, parseNftClamps } from '../plan/clamp-rules.ts';
import type { FirewallFacts, FirewallTool } from './facts.ts';

/** The tables with the clamp of common tutorials, and with culvert's own. */
const IPTABLES_TOOLS = ['iptables', 'ip6tables'] as const;
const IPTABLES_TABLES = ['filter', 'mangle'];
const OUR_TABLE = 'mangle';

export function observeFirewall(): FirewallFacts {
  const ruleset = attempt('nft', ['--json', 'list', 'ruleset']);
  const listings = IPTABLES_TOOLS.map((tool) => ({ tool, tables: listTables(tool) }));
  return {
    tools: [
      ...(ruleset === undefined ? [] : (['nft'] as const)),
      ...listings
        .filter(({ tables }) => tables.every(({ listing }) => listing !== undefined))
        .map(({ tool }) => tool),
    ],
    clamps: [
      ...(ruleset === undefined ? [] : parseNftClamps(JSON.parse(ruleset))),
      ...listings.flatMap(({ tool, tables }) =>
        tables.flatMap(({ table, listing }) => parseIptablesClamps(tool, table, listing ?? '')),
      ),
    ],
  };
}

function listTables(tool: FirewallTool): { readonly table: string; readonly listing: string | undefined }[] {
  return IPTABLES_TABLES.map((table) => ({ table, listing: attempt(tool, ['-w', '-t', table, '-S']) }));
}

/** Replaces this instance's clamp. */
export function clamp(spec: ClampSpec): void {
  if (spec.tool === 'nft') {
    run('nft', ['--file', '-'], nftScript(spec));
    return;
  }
  unclamp(spec);
  for (const { vips, mss } of spec.rules) {
    for (const vip of vips)
      run(spec.tool, ['-w', '-t', OUR_TABLE, '-A', ...iptablesRule(spec, formatIp(vip), mss)]);
  }
}

/** Removes this instance's clamp, if there is one. */
export function unclamp(spec: ClampName): void {
  if (spec.tool === 'nft') {
    run('nft', ['--file', '-'], nftRemoval(spec));
    return;
  }
  const listing = run(spec.tool, ['-w', '-t', OUR_TABLE, '-S', 'OUTPUT']);
  for (const rule of ownIptablesRules(listing, spec.instance))
    run(spec.tool, ['-w', '-t', OUR_TABLE, ...rule]);
}

/**
 * Lowers the MSS of SYN and SYN-ACK from the VIPs. The kernel never raises one by such a rule (nft_exthdr.c).
 * Deletion comes after an addition because `delete` fails where there is no table.
 */
export function nftScript(spec: ClampSpec): string {
  const rules = spec.rules.map(
    ({ vips, mss }) =>
      `    ${nftFamily(spec)} saddr { ${vips.map(formatIp).join(', ')} } tcp flags & (syn | rst) == syn tcp option maxseg size set ${mss}\n`,
  );
  return `${nftRemoval(spec)}table ${nftFamily(spec)} ${CLAMP_PREFIX}${spec.instance} {
  chain output {
    type filter hook output priority mangle; policy accept;
${rules.join('')}  }
}
`;
}

function nftRemoval(spec: ClampName): string {
  const table = `${nftFamily(spec)} ${CLAMP_PREFIX}${spec.instance}`;
  return `add table ${table}\ndelete table ${table}\n`;
}

function nftFamily({ family }: ClampName): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6';
}

function iptablesRule(spec: ClampName, vip: string, mss: number): string[] {
  const match = ['OUTPUT', '-s', vip, '-p', 'tcp', '--tcp-flags', 'SYN,RST', 'SYN'];
  const comment = ['-m', 'comment', '--comment', `${CLAMP_PREFIX}${spec.instance}`];
  return [...match, ...comment, '-j', 'TCPMSS', '--set-mss', `${mss}`];
}

/** The commands that delete them, from `iptables -S`. */
export function ownIptablesRules(listing: string, instance: string): string[][] {
  return listing
    .split('\n')
    .map((line) => line.replaceAll('"', '').split(' '))
    .filter(
      (words) => words[0] === '-A' && words[words.indexOf('--comment') + 1] === `${CLAMP_PREFIX}${instance}`,
    )
    .map((words) => ['-D', ...words.slice(1)]);
}

function attempt(tool: FirewallTool, parameters: readonly string[]): string | undefined {
  try {
    return execFileSync(tool, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}

function run(tool: FirewallTool, parameters: readonly string[], input = ''): string {
  try {
    return execFileSync(tool, parameters, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() ?? String(cause);
    throw new CulvertError('REALSERVER', `${tool} ${parameters.join(' ')}: ${said}`, { cause });
  }
}
