// Failed requests as the API answers them: always `{code, message}`, also where Node or Fastify found the fault.
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { WireError } from '../../contract/api/requests.ts';
import type { ErrorCode } from '../../error-codes.ts';
import { CulvertError } from '../../errors.ts';
import { printableText } from '../../printable-text.ts';

const HTTP_STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  API: 400,
  USAGE: 400,
  UNAUTHORIZED: 401,
  FOREIGN_PAGE: 403,
  PERMISSION: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  SHORTAGE: 503,
  NOT_SAVED: 507,
  CONFIG_INVALID: 422,
  CONFIG_UNREADABLE: 422,
  CAPACITY: 422,
  UNSUPPORTED: 422,
};

export function wireError(code: ErrorCode, message: string): WireError {
  return { code, message: printableText(message) };
}

export function sendError(error: unknown, reply: FastifyReply): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const faults = error.validation.map(({ instancePath, message }) =>
      `${instancePath.slice(1).replaceAll('/', '.')} ${message}`.trim(),
    );
    return reply.code(400).send(wireError('API', faults.join('; ')));
  }
  if (error instanceof CulvertError) {
    if (error.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer');
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

/** The errors of Node's HTTP parser that have a status of their own; all others are malformed requests. */
const PARSER_FAULTS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the request line and the header are longer than 16 KiB'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions of the body are too long'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive in time'],
};

/** Answers a connection whose bytes are no request. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const { _httpMessage: pending } = socket as { _httpMessage?: ServerResponse };
  // Bytes behind an answer that has begun would be taken for a part of it.
  if (error.code === 'ECONNRESET' || !socket.writable || pending?.headersSent === true) {
    socket.destroy();
    return;
  }
  const [status, message] = PARSER_FAULTS[error.code ?? ''] ?? [400, 'the request is not HTTP'];
  endWithAnswer(socket, status, message);
}

/** Takes over what Node would answer by itself, or not at all. */
export function answerOddRequests(server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Socket) =>
    endWithAnswer(socket, 405, 'this server is not a proxy'),
  );
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify(wireError('API', 'only the expectation 100-continue is supported'));
    response.writeHead(417, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    });
    response.end(body);
  });
}

function endWithAnswer(socket: Socket, status: number, message: string): void {
  const body = JSON.stringify(wireError('API', message));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.once('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroySoon());
}
