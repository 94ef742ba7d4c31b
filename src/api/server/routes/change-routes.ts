// Routes of the API by which an operator changes what a director does.
import { z } from 'zod';
import { reloadSchema } from '../../../contract/api/configuration.ts';
import { statsSchema } from '../../../contract/api/director-status.ts';
import { explainRequestSchema, explanationSchema } from '../../../contract/api/explanation.ts';
import type { WireRealSelector } from '../../../contract/api/requests.ts';
import {
  errorSchema,
  realSelectorSchema,
  weightChangeSchema,
  zeroSchema,
} from '../../../contract/api/requests.ts';
import { realSchema } from '../../../contract/api/service-status.ts';
import { parseServiceName } from '../../../contract/api/service-text.ts';
import type { RealSelector, RealStatus } from '../../../director/control.ts';
import { CulvertError } from '../../../errors.ts';
import { parseIp } from '../../../net/address/ip-address.ts';
import type { ApiOptions, ApiServer } from '../api-server.ts';
import { countersToWire, explanationToWire, realToWire } from './to-wire.ts';

const changedReals = { 200: z.array(realSchema), default: errorSchema };

/** Adds the routes by which an operator changes a director. */
export function changeRoutes(app: ApiServer, options: ApiOptions): void {
  realRoutes(app, options);
  const { control, onDown } = options;
  app.post(
    '/v1/reload',
    {
      schema: {
        summary: 'Reload the configuration file and apply the differences',
        description:
          'Answers what changed, and in `restartNeeded` the settings that take effect at the next start.',
        response: { 200: reloadSchema, default: errorSchema },
      },
    },
    async () => control.reload(),
  );
  app.post(
    '/v1/stats/zero',
    {
      schema: {
        summary: 'Set `sinceZero` back to 0; the counters themselves and `/metrics` continue',
        body: zeroSchema,
        response: { 200: statsSchema, default: errorSchema },
      },
    },
    async ({ body }) => {
      await control.zeroCounters(parseServiceName(body.service ?? ''));
      return countersToWire(await control.status());
    },
  );
  app.post(
    '/v1/explain',
    {
      config: { access: 'read' },
      schema: {
        summary: 'Explain what the director would do with an IP packet, without changing anything',
        description: '`packet` is in hexadecimal.',
        body: explainRequestSchema,
        response: { 200: explanationSchema, default: errorSchema },
      },
    },
    (request) => explanationToWire(control.explain(Buffer.from(request.body.packet, 'hex'))),
  );
  app.post(
    '/v1/down',
    {
      schema: {
        summary: 'Stop forwarding, remove what culvert set up for it, and stop the daemon',
        response: { 200: z.object({ removed: z.literal(true) }), default: errorSchema },
      },
    },
    async (_request, reply) => {
      await control.remove();
      reply.raw.once('close', onDown);
      return { removed: true as const };
    },
  );
}

function realRoutes(app: ApiServer, { control }: ApiOptions): void {
  app.post(
    '/v1/reals/weight',
    {
      schema: {
        summary: 'Override the weight of a real, or remove the override with `null`',
        description: 'Answers the changed reals.',
        body: weightChangeSchema,
        response: changedReals,
      },
    },
    async ({ body }) => {
      const selector = selectorOf(body);
      return wireReals(
        body.weight === null
          ? await control.clearWeight(selector)
          : await control.setWeight(selector, body.weight),
      );
    },
  );
  app.post(
    '/v1/reals/drain',
    {
      schema: {
        summary: 'Drain a real: it keeps its flows and gets no new ones, whatever its weight',
        description: 'Answers the changed reals.',
        body: realSelectorSchema,
        response: changedReals,
      },
    },
    async ({ body }) => wireReals(await control.drain(selectorOf(body))),
  );
  app.post(
    '/v1/reals/undrain',
    {
      schema: {
        summary:
          'Undrain a real: it gets new flows again, by its overridden weight or else its configured one',
        body: realSelectorSchema,
        response: changedReals,
      },
    },
    async ({ body }) => wireReals(await control.undrain(selectorOf(body))),
  );
}

function selectorOf(body: WireRealSelector): RealSelector {
  const address = parseIp(body.address);
  if (address === undefined) throw new CulvertError('API', `not an IP address: ${body.address}`);
  const service = parseServiceName(body.service ?? '');
  return service === undefined ? { address } : { address, service };
}

function wireReals(reals: readonly RealStatus[]): ReturnType<typeof realToWire>[] {
  return reals.map(realToWire);
}
