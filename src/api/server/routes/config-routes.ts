// Routes of the API for the running configuration: read, compare, apply, confirm, revert.
import {
  appliedSchema,
  applyRequestSchema,
  diffRequestSchema,
  diffSchema,
  diffYamlRequestSchema,
  runningConfigSchema,
} from '../../../contract/api/configuration.ts';
import { errorSchema } from '../../../contract/api/requests.ts';
import { CulvertError } from '../../../errors.ts';
import type { ApiOptions, ApiServer } from '../api-server.ts';
import { appliedToWire, configToWire, diffToWire } from './to-wire.ts';

/** 10,000 reals, each with a check of its own, take a third of it. */
const BODY_LIMIT = 16 << 20;

const applied = { 200: appliedSchema, default: errorSchema };
const config = { 200: runningConfigSchema, default: errorSchema };

/** The running configuration: what the file says, or what was applied in its place. */
export function configRoutes(app: ApiServer, { control }: ApiOptions): void {
  app.get(
    '/v1/config',
    {
      // It holds a secret, the hash seed.
      config: { access: 'control' },
      schema: {
        summary: 'Return the running configuration, with its `revision` and `source`',
        response: config,
      },
    },
    () => configToWire(control.config()),
  );
  app.put(
    '/v1/config',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        summary: 'Apply a configuration until the file changes or is reloaded',
        description: 'Answers as a reload. With `confirmMs` it is rolled back unless it is confirmed.',
        body: applyRequestSchema,
        response: applied,
      },
    },
    async ({ body: { config: document, ...options } }) =>
      appliedToWire(await control.apply(document, options)),
  );
  app.post(
    '/v1/config/confirm',
    { schema: { summary: 'Confirm the applied configuration', response: config } },
    async () => configToWire(await control.confirm()),
  );
  app.post(
    '/v1/config/revert',
    { schema: { summary: 'Roll back an unconfirmed configuration', response: applied } },
    async () => appliedToWire(await control.revert()),
  );
  app.post(
    '/v1/config/diff',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        summary: 'Return what a configuration would change, without changing anything',
        body: diffRequestSchema,
        response: { 200: diffSchema, default: errorSchema },
      },
    },
    async ({ body }) => diffToWire(await control.diff(body.config)),
  );
  app.post(
    '/v1/config/diff/yaml',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        summary:
          'Compare the text of a YAML file with the running configuration; 409 if it differs much from the file in use',
        body: diffYamlRequestSchema,
        response: { 200: diffSchema, default: errorSchema },
      },
    },
    async ({ body }) => {
      const diff = await control.diffYaml(body.yaml);
      if (diff !== undefined) return diffToWire(diff);
      const message =
        'the file has errors, or differs much from the one in use; send its values to /v1/config/diff';
      throw new CulvertError('CONFLICT', message);
    },
  );
}
