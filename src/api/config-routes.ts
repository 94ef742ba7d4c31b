import { CulvertError } from '../errors.ts';
import {
  appliedSchema,
  applyRequestSchema,
  configSchema,
  diffRequestSchema,
  diffSchema,
  diffYamlRequestSchema,
  errorSchema,
} from './schemas.ts';
import type { ApiOptions, ApiServer } from './server.ts';
import { appliedToWire, configToWire, diffToWire } from './to-wire.ts';

/** 10,000 reals, each with a check of its own, take a third of it. */
const BODY_LIMIT = 16 << 20;

const applied = { 200: appliedSchema, default: errorSchema };
const config = { 200: configSchema, default: errorSchema };

/** The running configuration: what the file says, or what was applied in its place. */
export function configRoutes(app: ApiServer, { control }: ApiOptions): void {
  app.get(
    '/v1/config',
    {
      // It holds a secret, the hash seed.
      config: { access: 'control' },
      schema: { summary: 'The configuration that holds now', response: config },
    },
    () => configToWire(control.config()),
  );
  app.put(
    '/v1/config',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        summary: 'Have another configuration hold until the file changes or is read again',
        body: applyRequestSchema,
        response: applied,
      },
    },
    async ({ body: { config: document, ...options } }) =>
      appliedToWire(await control.apply(document, options)),
  );
  app.post(
    '/v1/config/confirm',
    { schema: { summary: 'Keep what was applied on trial', response: config } },
    async () => configToWire(await control.confirm()),
  );
  app.post(
    '/v1/config/revert',
    { schema: { summary: 'Go back from what was applied on trial', response: applied } },
    async () => appliedToWire(await control.revert()),
  );
  app.post(
    '/v1/config/diff',
    {
      bodyLimit: BODY_LIMIT,
      schema: {
        summary: 'What a configuration would change; changes nothing',
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
          'What a file of YAML would change that differs little from the one in use; 409 where it differs much',
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
