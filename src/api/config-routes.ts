import { CulvertError } from '../errors.ts';
import {
  appliedSchema,
  applyRequestSchema,
  configSchema,
  diffRequestSchema,
  diffSchema,
  errorSchema,
} from './schemas.ts';
import type { ApiOptions, ApiServer } from './server.ts';
import { appliedToWire, configToWire, diffToWire } from './to-wire.ts';

/** 10,000 reals, each with a check of its own, take a tenth of it. */
const BODY_LIMIT = 64 << 20;

const applied = { 200: appliedSchema, default: errorSchema };
const config = { 200: configSchema, default: errorSchema };

/** The running configuration: what the file says, or what was applied in its place. */
export function configRoutes(app: ApiServer, { control, isRemote = false }: ApiOptions): void {
  const onRequest = async (): Promise<void> => requireLocal(isRemote);
  app.get(
    '/v1/config',
    { onRequest, schema: { summary: 'The configuration that holds now', response: config } },
    () => configToWire(control.config()),
  );
  app.put(
    '/v1/config',
    {
      onRequest,
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
    { onRequest, schema: { summary: 'Keep what was applied on trial', response: config } },
    async () => configToWire(await control.confirm()),
  );
  app.post(
    '/v1/config/revert',
    { onRequest, schema: { summary: 'Go back from what was applied on trial', response: applied } },
    async () => appliedToWire(await control.revert()),
  );
  app.post(
    '/v1/config/diff',
    {
      onRequest,
      bodyLimit: BODY_LIMIT,
      schema: {
        summary: 'What a configuration would change; changes nothing',
        body: diffRequestSchema,
        response: { 200: diffSchema, default: errorSchema },
      },
    },
    async ({ body }) => diffToWire(await control.diff(body.config)),
  );
}

/** A configuration holds a secret, the hash seed, and names programs that the director runs. */
function requireLocal(isRemote: boolean): void {
  if (!isRemote) return;
  const message = 'the configuration is read and changed by the control socket alone, not over TCP';
  throw new CulvertError('PERMISSION', message);
}
