import { z } from 'zod';
import type { ConfigDocument } from '../../config/load/document.ts';
import { MAX_CONFIRM_MS } from '../../contract/values/limits.ts';
import { FLOW_STATES, type FlowStateName } from '../../dataplane/data-plane.ts';
import { REASON_NAMES } from '../../forwarding/reasons.ts';
import { SCHEDULER_NAMES } from '../../forwarding/scheduler-names.ts';
import { parseIp } from '../../net/address/ip-address.ts';
import { parseIpNetwork } from '../../net/address/ip-network.ts';
import { parseServiceName } from './service-text.ts';
import type {
  WireApplied,
  WireApply,
  WireConfig,
  WireDiff,
  WireError,
  WireEvent,
  WireExplanation,
  WireFlow,
  WireReal,
  WireRealSelector,
  WireReload,
  WireService,
  WireStats,
  WireStatus,
  WireWeightChange,
} from './wire.ts';

const address = z
  .string()
  .refine((text) => parseIp(text) !== undefined, 'must be an IP address, such as 192.0.2.10')
  .meta({ examples: ['192.0.2.10', '2001:db8::10'] });
const network = z
  .string()
  .refine(
    (text) => parseIpNetwork(text) !== undefined,
    'must be an IP address or network, such as 198.51.100.0/24',
  )
  .meta({ examples: ['198.51.100.7', '2001:db8::/32'] });
const serviceText = z
  .string()
  .refine((text) => parseServiceName(text) !== undefined, 'must name a service, such as tcp:192.0.2.10:80')
  .meta({ examples: ['tcp:192.0.2.10:80', 'tcp:[2001:db8::10]:all'] });
const count = z.int().nonnegative();
/** 0 for all ports of an address, or of a client. */
const port = z.int().min(0).max(65_535);
const weight = z
  .int('must be a whole number')
  .min(0, 'must be 0 or more')
  .max(65_535, 'must be 65535 or less');

const serviceKey = z.object({ protocol: z.enum(['tcp', 'udp', 'sctp']), vip: address, port });
const tunnel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ipip') }),
  z.object({ type: z.literal('gre'), checksum: z.enum(['none', 'full']) }),
  z.object({ type: z.literal('gue'), checksum: z.enum(['none', 'full', 'remote']), port }),
]);
const flowCounts = {
  activeFlows: count,
  inactiveFlows: count,
  activeKnown: z.boolean(),
  completeAt: z.iso.datetime().nullable(),
  persistentClients: count,
};
/** True of a real that is the director itself, left out otherwise. */
const local = z.boolean().optional();
/** True of a real without a route, or whose next hop does not answer; left out otherwise. */
const noWay = z.boolean().optional();
const traffic = { connections: count, packets: count, bytes: count };
const rate = z.number().nonnegative();
const account = {
  sinceZero: z.object(traffic),
  perSecond: z.object({ connections: rate, packets: rate, bytes: rate }),
};
const health = z.object({
  state: z.enum(['up', 'down', 'unchecked']),
  since: z.iso.datetime(),
  lastError: z.string().nullable(),
  failures: count,
  checks: z.array(
    z.object({
      type: z.string(),
      state: z.enum(['up', 'down']),
      since: z.iso.datetime(),
      lastError: z.string().nullable(),
      failures: count,
      lastMs: z.number().nonnegative().nullable(),
      lastAnswer: z.string().nullable(),
    }),
  ),
  weight: weight.nullable(),
});

export const errorSchema: z.ZodType<WireError> = z.object({ code: z.string(), message: z.string() });

export const realSchema: z.ZodType<WireReal> = z.object({
  service: serviceKey,
  address,
  configuredWeight: weight,
  override: weight.nullable(),
  drained: z.boolean(),
  effectiveWeight: weight,
  serving: z.boolean(),
  inhibitOnFailure: z.boolean(),
  tunnel: tunnel.nullable(),
  upperThreshold: count,
  lowerThreshold: count,
  ...flowCounts,
  local,
  noWay,
  health,
});

export const serviceSchema: z.ZodType<WireService> = z.object({
  service: serviceKey,
  morePorts: z.array(port),
  scheduler: z.enum(SCHEDULER_NAMES),
  schedulerFlags: z.array(z.enum(['sh-port', 'sh-fallback'])),
  hashOn: z.enum(['flow', 'source']),
  onePacket: z.boolean(),
  persistence: z.object({ timeoutMs: count, prefixLength: z.int().min(1).max(128) }).nullable(),
  tunnel,
  quorum: z.object({ state: z.enum(['up', 'lost']), weight: count, quorum: count, hysteresis: count }),
  sorryServer: z
    .object({
      address,
      weight,
      tunnel: tunnel.nullable(),
      inhibit: z.boolean(),
      serving: z.boolean(),
      ...flowCounts,
      local,
      noWay,
    })
    .nullable(),
  reals: z.array(realSchema),
});

export const statsSchema: z.ZodType<WireStats> = z.object({
  services: z.array(
    z.object({
      service: serviceKey,
      ...traffic,
      ...account,
      slots: count,
      trackedSlots: count,
      reals: z.array(z.object({ address, ...traffic, ...account, ...flowCounts })),
    }),
  ),
  reasons: z.record(z.string(), count),
  handedOver: count,
  overBudget: count,
});

export const statusSchema: z.ZodType<WireStatus> = z.object({
  instance: z.string(),
  interface: z.string(),
  plane: z.string(),
  configPath: z.string(),
  pid: count,
  startedAt: z.iso.datetime(),
  shortages: z.array(
    z.object({ code: z.string(), what: z.string(), fix: z.string(), since: z.iso.datetime(), checks: count }),
  ),
  unmadeAttempts: count,
  services: z.array(serviceSchema),
  stats: statsSchema,
});

const flowState = z.enum(FLOW_STATES);

export const flowSchema: z.ZodType<WireFlow> = z.object({
  service: serviceKey,
  client: address.nullable(),
  clientPort: port,
  real: address,
  state: flowState,
  idleMs: z.number().nonnegative(),
  leftMs: z.number().nonnegative(),
});

export const eventSchema: z.ZodType<WireEvent> = z.object({
  sequence: count,
  time: z.iso.datetime(),
  level: z.enum(['info', 'warning', 'error']),
  type: z.string(),
  message: z.string(),
});

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
};

export const reloadSchema: z.ZodType<WireReload> = z.object(reload);

const confirmBefore = z.iso.datetime().nullable();
/** What is in it the configuration's own schema says: all of its faults at once, with their paths. */
const configDocument = z
  .looseObject({})
  .meta({ description: 'A configuration as docs/reference/configuration.md describes it, in JSON' });

export const configSchema: z.ZodType<WireConfig> = z.object({
  config: z.custom<ConfigDocument>().meta({ description: 'The configuration as it is written, in JSON' }),
  revision: z.string(),
  source: z.enum(['file', 'applied']),
  confirmBefore,
});

export const appliedSchema: z.ZodType<WireApplied> = z.object({
  ...reload,
  revision: z.string(),
  confirmBefore,
});

export const applyRequestSchema: z.ZodType<WireApply> = z.strictObject({
  config: configDocument,
  revision: z.string().optional(),
  confirmMs: z.int().min(1).max(MAX_CONFIRM_MS).optional(),
});

export const diffYamlRequestSchema: z.ZodType<{ readonly yaml: string }> = z.strictObject({
  yaml: z.string().meta({ description: 'The text of a configuration file' }),
});

export const diffRequestSchema: z.ZodType<{ readonly config: unknown }> = z.strictObject({
  config: configDocument,
});

const change = z.enum(['added', 'changed', 'removed']);
const settings = z.array(
  z.object({ setting: z.string(), from: z.string().nullable(), to: z.string().nullable() }),
);

export const diffSchema: z.ZodType<WireDiff> = z.object({
  director: settings,
  services: z.array(
    z.object({
      service: serviceKey,
      change,
      settings,
      reals: z.array(z.object({ address, change, settings })),
    }),
  ),
});

export const explanationSchema: z.ZodType<WireExplanation> = z.object({
  verdict: z.enum(['forward', 'answer', 'hold', 'drop', 'pass']),
  reason: z.enum(REASON_NAMES).nullable(),
  real: address.nullable(),
  to: address.nullable(),
  packets: z.array(z.string()),
  sentences: z.array(z.string()),
});

export const realSelectorSchema: z.ZodType<WireRealSelector> = z.strictObject({
  address,
  service: serviceText.optional(),
});

export const zeroSchema: z.ZodType<{ readonly service?: string | undefined }> = z.strictObject({
  service: serviceText.optional(),
});

export const weightChangeSchema: z.ZodType<WireWeightChange> = z.strictObject({
  address,
  service: serviceText.optional(),
  weight: weight.nullable(),
});

/** 64 KiB is the longest IPv4 packet; one of IPv6 has 40 bytes more. */
export const explainRequestSchema: z.ZodType<{ readonly packet: string }> = z.strictObject({
  packet: z
    .string()
    .max(2 * (65_535 + 40))
    .regex(/^(?:[0-9a-f]{2})+$/i, 'must be an IP packet in hex, with two digits per byte'),
});

export const flowQuerySchema: z.ZodType<{
  readonly service?: string | undefined;
  readonly real?: string | undefined;
  readonly client?: string | undefined;
  readonly state?: FlowStateName | undefined;
}> = z.strictObject({
  service: serviceText.optional(),
  real: address.optional(),
  client: network.optional(),
  state: flowState.optional(),
});

export const eventQuerySchema: z.ZodType<{ readonly after: number }> = z.strictObject({
  after: z.coerce.number().int().nonnegative().default(0),
});
