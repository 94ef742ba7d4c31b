// The differences of two configurations, one line each.
import type {
  SettingChange,
  WireDiff,
  WireRealChange,
  WireServiceChange,
} from '../../contract/api/configuration.ts';
import { serviceName } from '../../contract/api/service-text.ts';
import { needsRestart } from '../../director/changes/config-diff.ts';
import type { Colour, Style } from '../tables/style.ts';

const MARKS = {
  added: { sign: '+', colour: 'green' },
  changed: { sign: '~', colour: 'yellow' },
  removed: { sign: '-', colour: 'red' },
} as const satisfies Record<string, { sign: string; colour: Colour }>;

/** Returns one line for each service, real and setting that differs; empty where none does. */
export function diffText({ director, services }: WireDiff, style: Style): string {
  const lines = [
    ...(director.length === 0 ? [] : directorLines(director, style)),
    ...services.flatMap((service) => serviceLines(service, style)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

export function isEmpty({ director, services }: WireDiff): boolean {
  return director.length === 0 && services.length === 0;
}

function directorLines(settings: readonly SettingChange[], style: Style): string[] {
  const lines = settings.map(({ setting, from, to }) => {
    const late = needsRestart(setting) ? style('dim', ' (at the next start)') : '';
    return `    ${settingText({ setting, from, to }, style)}${late}`;
  });
  return [marked('changed', 'director', style), ...lines];
}

function serviceLines({ service, change, settings, reals }: WireServiceChange, style: Style): string[] {
  return [
    marked(change, serviceName(service), style),
    ...settings.map((setting) => `    ${settingText(setting, style)}`),
    ...reals.map((real) => `  ${realText(real, style)}`),
  ];
}

function realText({ address, change, settings }: WireRealChange, style: Style): string {
  const changes = settings.map((setting) => settingText(setting, style)).join(', ');
  return marked(change, changes === '' ? address : `${address}  ${changes}`, style);
}

function settingText({ setting, from, to }: SettingChange, style: Style): string {
  // A secret.
  if (from === to) return `${setting}: changed`;
  return `${setting}: ${style('red', from ?? 'none')} -> ${style('green', to ?? 'none')}`;
}

function marked(change: keyof typeof MARKS, text: string, style: Style): string {
  const { sign, colour } = MARKS[change];
  return change === 'changed' ? `${style(colour, sign)} ${text}` : style(colour, `${sign} ${text}`);
}
