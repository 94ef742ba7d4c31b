// Prints a translated keepalived.conf as culvert's YAML.
import { Document, isMap, isSeq, type YAMLMap } from 'yaml';
import type { KeepalivedConfig } from './parse-keepalived-config.ts';
import type { Place } from './text/place.ts';

interface PlainReal {
  readonly check?: unknown;
  readonly checks?: unknown;
}

/** A translated keepalived.conf as culvert's YAML, each service with the line that it comes from. */
export function printYaml({ plain, places, warnings }: KeepalivedConfig, fileName: string): string {
  const services = plain.services.map((service) => withCommonCheck(service));
  const document = new Document({ director: plain.director, services });
  document.commentBefore = headOf(fileName, warnings);
  const list = document.get('services');
  const items = isSeq(list) ? list.items : [];
  for (const [index, item] of items.entries()) {
    if (!isMap(item)) continue;
    item.commentBefore = ` ${formatPlace(places[index])}`;
    inline(item);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function headOf(fileName: string, warnings: readonly string[]): string {
  const lines = [
    `From ${fileName}, by culvert import.`,
    'Checks connect directly to the real servers, as in keepalived; "via: tunnel" also tests the tunnel.',
    ...(warnings.length > 0 ? ['Differences from that file:', ...warnings] : []),
  ];
  return lines.map((line) => ` ${line}`).join('\n');
}

function formatPlace(place: Place | undefined): string {
  return place === undefined ? '' : `${place.fileName}:${place.line}`;
}

/** Checks that all real servers of a service have alike stand once, at the service. */
function withCommonCheck(service: { readonly reals: readonly PlainReal[] }): object {
  const { reals, ...rest } = service;
  const [first] = reals;
  const common = new Set(reals.map(({ check, checks }) => JSON.stringify({ check, checks })));
  if (common.size !== 1 || first === undefined) return service;
  const { check, checks } = first;
  const others = reals.map(({ check: _check, checks: _checks, ...real }) => real);
  return { ...rest, ...(checks === undefined ? { check } : { checks }), reals: others };
}

/** Prints one line for each real and each option. */
function inline(service: YAMLMap): void {
  for (const { key, value } of service.items)
    if ((isMap(value) || isSeq(value)) && String(key) !== 'reals') value.flow = true;
  const reals = service.get('reals');
  for (const real of isSeq(reals) ? reals.items : []) if (isMap(real)) real.flow = true;
}
