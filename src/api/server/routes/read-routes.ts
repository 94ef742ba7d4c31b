// Routes of the API that read the state of a director.
import { z } from 'zod';
import { statsSchema, statusSchema } from '../../../contract/api/director-status.ts';
import { errorSchema } from '../../../contract/api/requests.ts';
import { realSchema, serviceSchema } from '../../../contract/api/service-status.ts';
import type { ApiOptions, ApiServer } from '../api-server.ts';
import { countersToWire, realToWire, serviceToWire, statusToWire } from './to-wire.ts';

/** Adds the routes that show what a director is and does. */
export function readRoutes(app: ApiServer, { control }: ApiOptions): void {
  app.get(
    '/v1/status',
    {
      schema: {
        summary: 'Return the status of the director, its services and reals, and the counters',
        response: { 200: statusSchema, default: errorSchema },
      },
    },
    async () => statusToWire(await control.status()),
  );
  app.get(
    '/v1/services',
    {
      schema: {
        summary: 'List services with their reals',
        response: { 200: z.array(serviceSchema), default: errorSchema },
      },
    },
    async () => (await control.status()).services.map(serviceToWire),
  );
  app.get(
    '/v1/reals',
    {
      schema: {
        summary: 'List the reals of all services, with weight and health',
        response: { 200: z.array(realSchema), default: errorSchema },
      },
    },
    async () => (await control.status()).services.flatMap((service) => service.reals.map(realToWire)),
  );
  app.get(
    '/v1/stats',
    {
      schema: {
        summary: 'Return the counters of each service, real and reason',
        description: '`sinceZero` and `perSecond` are what `ipvsadm` shows.',
        response: { 200: statsSchema, default: errorSchema },
      },
    },
    async () => countersToWire(await control.status()),
  );
}
