// The rules that clamp the MSS, in nft and iptables.
import { familyOf, type IpFamily, parseIp } from '../../net/address/ip-address.ts';
import type { Clamp, FirewallTool, Prefix } from '../facts/facts.ts';
import { ANYONE } from '../program/address-keys.ts';

/** Our nft tables, and the comments of our iptables rules, are called this and the instance. */
export const CLAMP_PREFIX = 'culvert-';

const ANY_SOURCE: Readonly<Record<IpFamily, Prefix>> = {
  4: { address: ANYONE[4], length: 0 },
  6: { address: ANYONE[6], length: 0 },
};
const NFT_FAMILIES: Readonly<Record<string, readonly IpFamily[]>> = { ip: [4], ip6: [6], inet: [4, 6] };
const NFT_SOURCES = ['ip', 'ip6'];
const LEAVING_HOOKS = ['output', 'postrouting'];
const LEAVING_CHAINS = ['OUTPUT', 'POSTROUTING'];

type Json = Readonly<Record<string, unknown>>;

/** The MSS clamps on packets that leave, out of `nft --json list ruleset` (libnftables-json(5)). */
export function parseNftClamps(ruleset: unknown): Clamp[] {
  const entries = array(object(ruleset).nftables).map(object);
  const leaving = new Set(
    entries
      .map((entry) => object(entry.chain))
      .filter((chain) => LEAVING_HOOKS.includes(String(chain.hook)))
      .map((chain) => chainKey(chain, chain.name)),
  );
  return entries
    .map((entry) => object(entry.rule))
    .filter((rule) => leaving.has(chainKey(rule, rule.chain)))
    .flatMap((rule) => nftClamp(rule, entries));
}

function nftClamp(rule: Json, entries: readonly Json[]): Clamp[] {
  const statements = array(rule.expr).map(object);
  const value = statements.map((statement) => mssOf(object(statement.mangle))).find((mss) => mss !== 'none');
  if (value === undefined) return [];
  const table = String(rule.table);
  return [
    {
      tool: 'nft',
      where: `table ${String(rule.family)} ${table}`,
      instance: instanceOf(table),
      sources: nftSources(statements, rule, (name) => namedSet(entries, rule, name)),
      mss: value === 'path' ? undefined : value,
    },
  ];
}

/** Returns the MSS that a mangle statement sets; `none` when it sets something else. */
function mssOf(mangle: Json): number | 'path' | 'none' {
  const option = object(object(mangle.key)['tcp option']);
  if (option.name !== 'maxseg' || option.field !== 'size') return 'none';
  return typeof mangle.value === 'number' ? mangle.value : 'path';
}

function nftSources(statements: readonly Json[], rule: Json, lookUp: (name: string) => unknown): Prefix[] {
  const match = statements
    .map((statement) => object(statement.match))
    .find((candidate) => {
      const payload = object(object(candidate.left).payload);
      return NFT_SOURCES.includes(String(payload.protocol)) && payload.field === 'saddr';
    });
  if (match === undefined)
    return (NFT_FAMILIES[String(rule.family)] ?? []).map((family) => ANY_SOURCE[family]);
  if (match.op !== '==') return [];
  const { right } = match;
  return nftPrefixes(typeof right === 'string' && right.startsWith('@') ? lookUp(right.slice(1)) : right);
}

function nftPrefixes(value: unknown): Prefix[] {
  if (typeof value === 'string') return prefix(value);
  const { set, prefix: cut } = object(value);
  if (cut !== undefined) return prefix(String(object(cut).addr), Number(object(cut).len));
  return array(Array.isArray(value) ? value : set).flatMap(nftPrefixes);
}

function namedSet(entries: readonly Json[], rule: Json, name: string): unknown {
  const sets = entries.map((entry) => object(entry.set));
  return sets.find((set) => chainKey(set, set.name) === chainKey(rule, name))?.elem;
}

/** The MSS clamps out of `iptables -S` or `ip6tables -S`. */
export function parseIptablesClamps(
  tool: Exclude<FirewallTool, 'nft'>,
  table: string,
  listing: string,
): Clamp[] {
  return listing.split('\n').flatMap((line) => {
    const [command, chain, ...words] = line.split(' ');
    if (command !== '-A' || !LEAVING_CHAINS.includes(chain ?? '') || !words.includes('TCPMSS')) return [];
    const option = (name: string): string | undefined => words[words.indexOf(name) + 1 || words.length];
    const source = option('-s');
    const mss = option('--set-mss');
    return [
      {
        tool,
        where: `table ${table}, chain ${chain}`,
        instance: instanceOf((option('--comment') ?? '').replaceAll('"', '')),
        // A rule with an exception holds for nobody that one could be sure of.
        sources: words.includes('!') ? [] : sourcesOf(source, tool === 'iptables' ? 4 : 6),
        mss: mss === undefined ? undefined : Number(mss),
      },
    ];
  });
}

function sourcesOf(source: string | undefined, family: IpFamily): Prefix[] {
  if (source === undefined) return [ANY_SOURCE[family]];
  const [address = '', length] = source.split('/');
  return prefix(address, length === undefined ? undefined : Number(length));
}

function instanceOf(name: string): string | undefined {
  return name.startsWith(CLAMP_PREFIX) ? name.slice(CLAMP_PREFIX.length) : undefined;
}

/** Parses a prefix; a single address unless a length is given. */
function prefix(text: string, length?: number): Prefix[] {
  const address = parseIp(text);
  if (address === undefined) return [];
  return [{ address, length: length ?? (familyOf(address) === 4 ? 32 : 128) }];
}

function chainKey(owner: Json, name: unknown): string {
  return `${String(owner.family)} ${String(owner.table)} ${String(name)}`;
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function array(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
