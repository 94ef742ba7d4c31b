// Reads a YAML text that differs little from a former one, by its new services alone.
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { bfdFaults } from '../rules/bfd-contradictions.ts';
import { areContradictory } from '../rules/collisions.ts';
import { type ConfigLocation, type LoadedConfig, loadedConfig } from './loaded-config.ts';
import { parseYaml } from './parse-yaml.ts';

/** More than this is better parsed in a process of its own. */
const MAX_FRESH_LENGTH = 50_000;

/**
 * Reads a text that differs little from the YAML that `before` was read from: only the services that are new in it are parsed, for the
 * parser of YAML takes most of a reload's time. What is the same text under the same `director` and `defaults` is the same
 * object.
 * @param fileName Where the text stands from now on; left out for one that is only looked at.
 * @returns undefined if the whole text must be parsed, above all if anything is wrong: only that reports the places of errors
 */
export function reread(before: LoadedConfig, text: string, fileName?: string): LoadedConfig | undefined {
  const former = before.text === undefined ? undefined : splitServices(before.text);
  const now = splitServices(text);
  if (former === undefined || now === undefined) return undefined;
  if (former.head !== now.head || former.tail !== now.tail) return undefined;
  const known = new Map(itemsOf(former, before));
  const fresh = parseFresh(
    [...new Set(now.items)].filter((item) => !known.has(item)),
    now,
    fileName ?? '',
  );
  if (known.size === 0 || fresh === undefined) return undefined;
  for (const [item, found] of fresh) known.set(item, found);
  const items = now.items.map((item) => known.get(item) as KnownItem);
  const services = items.map(({ service }) => service);
  const config = { director: before.config.director, services };
  if (areContradictory(services) || bfdFaults(config, String).length > 0) return undefined;
  const document = { head: before.document.head, services: items.map((item) => item.document) };
  const locations = {
    director: before.locations.director,
    services: fileName === undefined ? [] : locationsOf(items, now, fileName),
  };
  return { ...loadedConfig(config, document, locations), text };
}

/** A YAML text cut at the items of its `services`; put together again it is the text. */
interface SplitText {
  /** Up to the first item. */
  readonly head: string;
  /** The items, each from its dash to that of the next. */
  readonly items: readonly string[];
  /** The text from the line of the first key behind the list. */
  readonly tail: string;
}

interface KnownItem {
  readonly service: ServiceConfig;
  /** The document, as in `DocumentParts`. */
  readonly document: string;
  /** The location of the VIP, with lines counted from the item's. */
  readonly location: ConfigLocation | undefined;
}

/** Returns the items; undefined where the parser has found other services than the cuts. */
function itemsOf({ head, items }: SplitText, loaded: LoadedConfig): [string, KnownItem][] | undefined {
  const { config, document, locations } = loaded;
  if (items.length !== config.services.length) return undefined;
  let line = countLines(head);
  return items.map((item, index) => {
    const service = config.services[index] as ServiceConfig;
    const found = locations.services[index];
    const location = found && { ...found, line: found.line - line };
    line += countLines(item);
    return [item, { service, document: document.services[index] as string, location }];
  });
}

/** Parses items as if there were no others; undefined where they are not valid, or too many. */
function parseFresh(
  items: readonly string[],
  { head, tail }: SplitText,
  fileName: string,
): [string, KnownItem][] | undefined {
  if (items.length === 0) return [];
  const text = items.join('');
  if (text.length > MAX_FRESH_LENGTH) return undefined;
  try {
    return itemsOf({ head, items, tail }, parseYaml(head + text + tail, fileName));
  } catch {
    return undefined;
  }
}

function locationsOf(
  items: readonly KnownItem[],
  now: SplitText,
  fileName: string,
): (ConfigLocation | undefined)[] {
  let line = countLines(now.head);
  return items.map(({ location }, index) => {
    const found = location && { fileName, line: line + location.line, column: location.column };
    line += countLines(now.items[index] ?? '');
    return found;
  });
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/**
 * Characters with an effect beyond an item. The second kind counts only where it can begin an anchor or an alias, which may reach
 * into other items.
 */
const BEYOND_ITEMS = /\t|^(?:---|\.\.\.|%)|(?:^|[\s,[{:-])[&*]\S/m;
const SERVICES = /^services:[ ]*(?:#.*)?$/m;

/**
 * Cuts without parsing: in a block sequence what is not further in than its dashes is a new item, or behind the list
 * (YAML 1.2.2, 8.2.1), whatever stands in the items.
 * @returns undefined where the list is written in another way, or where items may depend on each other
 */
export function splitServices(text: string): SplitText | undefined {
  if (BEYOND_ITEMS.test(text)) return undefined;
  const key = SERVICES.exec(text);
  if (key === null) return undefined;
  const starts: number[] = [];
  let indent: number | undefined;
  let at = lineAfter(text, key.index);
  for (; at < text.length; at = lineAfter(text, at)) {
    const first = firstInLine(text, at);
    const character = text[first];
    if (character === undefined || character === '\n' || character === '\r' || character === '#') continue;
    indent ??= first - at;
    if (first - at > indent) continue;
    const isDash = character === '-' && /^[ \r\n]/.test(text[first + 1] ?? '\n');
    if (first - at < indent || (indent === 0 && !isDash)) break;
    if (!isDash) return undefined;
    starts.push(at);
  }
  if (starts.length === 0) return undefined;
  const items = starts.map((start, index) => text.slice(start, starts[index + 1] ?? at));
  return { head: text.slice(0, starts[0]), items, tail: text.slice(at) };
}

function lineAfter(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

function firstInLine(text: string, at: number): number {
  let first = at;
  while (text[first] === ' ') first++;
  return first;
}
