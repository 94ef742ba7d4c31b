// The running configuration and changes of it, as the API has them.
import { z } from 'zod';
import type { ConfigDocument } from '../config/config-document.ts';
import { MAX_CONFIRM_MS } from '../values/limits.ts';
import { address, body, count, serviceKey, time } from './wire-values.ts';

/** The counts of changes from one configuration to another. */
export interface ChangeCounts {
  readonly servicesAdded: number;
  readonly servicesChanged: number;
  readonly servicesRemoved: number;
  readonly realsAdded: number;
  readonly realsChanged: number;
  readonly realsRemoved: number;
}

const reload = {
  servicesAdded: count,
  servicesChanged: count,
  servicesRemoved: count,
  realsAdded: count,
  realsChanged: count,
  realsRemoved: count,
  applyMs: z.number().nonnegative(),
  restartNeeded: z
    .array(z.string())
    .meta({ description: 'Settings that have changed and take effect at the next start' }),
} satisfies Record<keyof ChangeCounts, z.ZodType> & Record<string, z.ZodType>;

export const reloadSchema = body(z.object(reload));

export type ReloadSummary = z.output<typeof reloadSchema>;

const revision = z.string().describe('Another one for any other configuration.');
const confirmBefore = time.nullable().describe('When it goes back by itself; null: it stays.');

/** The configuration's own schema checks the content: it reports all faults at once, with their paths. */
const configDocument = z
  .looseObject({})
  .meta({ description: 'A configuration as docs/reference/configuration.md describes it, in JSON' });

export const runningConfigSchema = body(
  z.object({
    config: z.custom<ConfigDocument>().meta({ description: 'The configuration as it is written, in JSON' }),
    revision,
    source: z.enum(['file', 'applied']).describe('`applied`: over the API, in place of the file.'),
    confirmBefore,
  }),
);

export type WireConfig = z.output<typeof runningConfigSchema>;

export const appliedSchema = body(z.object({ ...reload, revision, confirmBefore }));

export type WireApplied = z.output<typeof appliedSchema>;

export const applyRequestSchema: z.ZodType<WireApply> = z.strictObject({
  config: configDocument,
  revision: z
    .string()
    .optional()
    .describe('The one that `config` was made from; when it no longer holds, nothing changes.'),
  confirmMs: z
    .int()
    .min(1)
    .max(MAX_CONFIRM_MS)
    .optional()
    .describe('It goes back by itself after this time, unless confirmed.'),
});

export interface WireApply {
  readonly config: unknown;
  readonly revision?: string | undefined;
  readonly confirmMs?: number | undefined;
}

export const diffYamlRequestSchema = z.strictObject({
  yaml: z.string().meta({ description: 'The text of a configuration file' }),
});

export const diffRequestSchema: z.ZodType<{ readonly config: unknown }> = z.strictObject({
  config: configDocument,
});

const change = z.enum(['added', 'changed', 'removed']);
const setting = z.object({
  setting: z.string().describe('`check.interval`, `tunnel.type`.'),
  from: z.string().nullable().describe('null where there is none.'),
  to: z.string().nullable(),
});
const settings = z.array(setting);

/** A setting in the words of a configuration file. */
export type SettingChange = Readonly<z.output<typeof setting>>;

export const diffSchema = body(
  z.object({
    director: settings,
    services: z.array(
      z.object({
        service: serviceKey,
        change,
        settings,
        reals: z.array(z.object({ address, change, settings })),
      }),
    ),
  }),
);

export type WireDiff = z.output<typeof diffSchema>;
export type WireServiceChange = WireDiff['services'][number];
export type WireRealChange = WireServiceChange['reals'][number];
