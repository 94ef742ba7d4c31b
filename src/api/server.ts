import swagger from '@fastify/swagger';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { DirectorControl } from '../director/control.ts';
import type { ErrorCode } from '../error-codes.ts';
import { CulvertError } from '../errors.ts';
import { changeRoutes } from './change-routes.ts';
import { configRoutes } from './config-routes.ts';
import { readRoutes } from './read-routes.ts';
import { streamRoutes } from './stream-routes.ts';
import type { WireError } from './wire.ts';

export interface ApiOptions {
  readonly control: DirectorControl;
  readonly version: string;
  /** True where others than the director's user may reach it. */
  readonly isRemote?: boolean;
  /** Called once the answer to `down` is on its way; the process is to end then. */
  readonly onDown: () => void;
}

/** An instance whose routes take their types from zod schemas. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

const HTTP_STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  API: 400,
  USAGE: 400,
  CONFIG_INVALID: 422,
  CONFIG_UNREADABLE: 422,
  CAPACITY: 422,
  UNSUPPORTED: 422,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PERMISSION: 403,
};

/** The API over one director, not listening yet. */
export async function buildApi(options: ApiOptions): Promise<ApiServer> {
  const app = withZod();
  await app.register(swagger, {
    openapi: {
      info: { title: 'culvert', description: 'Control of a running director.', version: options.version },
    },
    transform: jsonSchemaTransform,
  });
  app.setErrorHandler((error, _request, reply) => sendError(error, reply));
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send(wireError('API', `there is no ${request.method} ${request.url}`)),
  );
  app.addHook('onRequest', async (request) => {
    refuseForeignPages(request.headers.origin, request.headers.host);
  });
  await app.register(async (scope) => {
    const routes: ApiServer = scope.withTypeProvider<ZodTypeProvider>();
    readRoutes(routes, options);
    streamRoutes(routes, options);
    changeRoutes(routes, options);
    configRoutes(routes, options);
    routes.get('/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  });
  return app;
}

function withZod(): ApiServer {
  // Streams of events never end by themselves: closing must not wait for them.
  const app = Fastify({ forceCloseConnections: true, bodyLimit: 1 << 20 });
  app.setValidatorCompiler(validatorCompiler);
  // Answers are what wire.ts says, by their types: validating 10,000 reals once more would take most of a listing's time.
  app.setSerializerCompiler(() => JSON.stringify);
  return app.withTypeProvider<ZodTypeProvider>();
}

/**
 * A browser names the page that a request comes from. Only a page that this server itself delivered may speak to it:
 * any other one could reach a director by way of its operator's browser.
 */
function refuseForeignPages(origin: string | undefined, host: string | undefined): void {
  if (origin === undefined || origin === `http://${host}`) return;
  throw new CulvertError('API', `requests from pages of ${origin} are refused`);
}

function sendError(error: unknown, reply: FastifyReply): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const faults = error.validation.map(({ instancePath, message }) =>
      `${instancePath.slice(1).replaceAll('/', '.')} ${message}`.trim(),
    );
    return reply.code(400).send(wireError('API', faults.join('; ')));
  }
  if (error instanceof CulvertError) {
    return reply.code(HTTP_STATUS[error.code] ?? 500).send(wireError(error.code, error.message));
  }
  return reply
    .code(statusOf(error))
    .send(wireError('API', error instanceof Error ? error.message : String(error)));
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500;
}

function wireError(code: ErrorCode, message: string): WireError {
  return { code, message };
}
