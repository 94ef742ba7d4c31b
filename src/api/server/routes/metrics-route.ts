// `/metrics`, which has a listener of its own where `director.metricsListen` is set.

import type { ApiOptions, ApiServer } from '../api-server.ts';
import { metricsText } from './metrics.ts';
import { statusToWire } from './to-wire.ts';

export function metricsRoute(app: ApiServer, { control }: ApiOptions): void {
  app.get(
    '/metrics',
    { schema: { summary: 'Return the metrics for Prometheus', produces: ['text/plain'] } },
    async (_request, reply) => {
      const text = metricsText(statusToWire(await control.status()));
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
    },
  );
}
