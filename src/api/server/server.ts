// The API of one director as a Fastify instance, for one listener.
import type { IncomingMessage } from 'node:http';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyRequest } from 'fastify';
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { type Access, admit, type RequestHead, refuseForeignPages } from './admission.ts';
import type { ApiOptions, ApiServer } from './api-server.ts';
import { answerClientError, sendError, wireError } from './error-answers.ts';
import { createHttpServer } from './http-server.ts';
import { limitJsonBodies } from './json-bodies.ts';
import type { Listener } from './listener.ts';
import { changeRoutes } from './routes/change-routes.ts';
import { configRoutes } from './routes/config-routes.ts';
import { metricsRoute } from './routes/metrics-route.ts';
import { readRoutes } from './routes/read-routes.ts';
import { streamRoutes } from './routes/stream-routes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Default: GET and HEAD read, every other method controls. */
    access?: Access;
  }
}

/** Against pages that would embed an answer, or have a browser take it for something else. */
const ANSWER_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/** The API over one director, not listening yet. */
export async function buildApi(options: ApiOptions): Promise<ApiServer> {
  const app = withZod(options);
  app.setErrorHandler((error, _request, reply) => sendError(error, reply));
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send(wireError('API', `no such route: ${request.method} ${request.url}`)),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(ANSWER_HEADERS);
    await admitRequest(request, options.listener);
  });
  if (options.routes === 'metrics') metricsRoute(app, options);
  else await allRoutes(app, options);
  return app;
}

async function allRoutes(app: ApiServer, options: ApiOptions): Promise<void> {
  await app.register(swagger, {
    openapi: {
      info: { title: 'culvert', description: 'The API of a running director.', version: options.version },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(async (scope) => {
    const routes: ApiServer = scope.withTypeProvider<ZodTypeProvider>();
    metricsRoute(routes, options);
    readRoutes(routes, options);
    streamRoutes(routes, options);
    changeRoutes(routes, options);
    configRoutes(routes, options);
    routes.get('/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  });
}

function withZod({ listener, tls }: ApiOptions): ApiServer {
  const app = Fastify({
    // Streams of events never end by themselves: closing must not wait for them.
    forceCloseConnections: true,
    bodyLimit: 1 << 20,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => void sendError(error, reply),
    serverFactory: (handler) => createHttpServer(handler, { isTcp: listener !== undefined, tls }),
  });
  limitJsonBodies(app.withTypeProvider<ZodTypeProvider>());
  app.setValidatorCompiler(validatorCompiler);
  // Answers are what the contracts say, by their types: validating 10,000 reals once more would take most of a listing's time.
  app.setSerializerCompiler(() => JSON.stringify);
  return app.withTypeProvider<ZodTypeProvider>();
}

async function admitRequest(request: FastifyRequest, listener: Listener | undefined): Promise<void> {
  const head = headOf(request);
  if (listener === undefined) {
    refuseForeignPages(head, `http://${head.hosts[0] ?? ''}`);
    return;
  }
  const { method, routeOptions } = request;
  const byMethod = method === 'GET' || method === 'HEAD' || routeOptions.url === undefined;
  await admit(head, listener, routeOptions.config?.access ?? (byMethod ? 'read' : 'control'));
}

/** Node's `headers` would hide a second one; and a target like http://host/path names a host as well (RFC 9112, 3.2.2). */
function hostsOf({ rawHeaders, url = '' }: IncomingMessage): string[] {
  const fields = rawHeaders.filter(
    (_, index) => index % 2 === 1 && /^host$/i.test(rawHeaders[index - 1] ?? ''),
  );
  return url.startsWith('/') ? fields : [...fields, url];
}

function headOf({ headers, raw }: FastifyRequest): RequestHead {
  const { origin, authorization } = headers;
  const site = headers['sec-fetch-site'];
  return {
    hosts: hostsOf(raw),
    origin,
    fetchSite: typeof site === 'string' ? site : undefined,
    authorization,
    localAddress: raw.socket.localAddress,
  };
}
