// The HTTP servers of the API, with their limits.
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { answerOddRequests } from './error-answers.ts';
import type { TlsMaterial } from './tls-files.ts';

/** A request's head has to have arrived by then, and its body. */
const HEAD_MS = 10_000;
const REQUEST_MS = 60_000;
/** Between two requests on a connection. */
const IDLE_MS = 10_000;
/** Over TCP a connection ends when no byte has moved for so long; a stream of events has a comment more often. */
const SILENT_MS = 120_000;
const HANDSHAKE_MS = 10_000;
const LOOK_EVERY_MS = 2_000;
const HEAD_BYTES = 16_384;

const LIMITS: ServerOptions = {
  headersTimeout: HEAD_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: IDLE_MS,
  connectionsCheckingInterval: LOOK_EVERY_MS,
  maxHeaderSize: HEAD_BYTES,
  // Node would answer without a body; admission says what is missing.
  requireHostHeader: false,
};

export interface HttpServerOptions {
  readonly isTcp: boolean;
  readonly tls: TlsMaterial | undefined;
}

/** A server that does not listen yet. */
export function createHttpServer(handler: RequestListener, { isTcp, tls }: HttpServerOptions): Server {
  const server = tls === undefined ? createServer(LIMITS, handler) : createTls(handler, tls);
  if (isTcp) server.setTimeout(SILENT_MS);
  answerOddRequests(server);
  return server;
}

function createTls(handler: RequestListener, tls: TlsMaterial): Server {
  const requestCert = tls.ca !== undefined;
  const options = { ...LIMITS, ...tls, handshakeTimeout: HANDSHAKE_MS, requestCert };
  // All that Fastify and this file use of either is the same.
  return createTlsServer({ ...options, rejectUnauthorized: requestCert }, handler);
}
