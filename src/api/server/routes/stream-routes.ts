// Routes of the API for lists that may be long, and for events as they happen.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { DirectorEvent } from '../../../contract/api/event.ts';
import { eventQuerySchema, eventSchema } from '../../../contract/api/event.ts';
import { flowQuerySchema } from '../../../contract/api/flow.ts';
import { errorSchema } from '../../../contract/api/requests.ts';
import { parseServiceName } from '../../../contract/api/service-text.ts';
import type { FlowFilter } from '../../../dataplane/data-plane.ts';
import type { DirectorControl } from '../../../director/control.ts';
import { parseIp } from '../../../net/address/ip-address.ts';
import { parseIpNetwork } from '../../../net/address/ip-network.ts';
import type { ApiOptions, ApiServer } from '../api-server.ts';
import { flowToWire } from './to-wire.ts';

/** Unread bytes after which a listener counts as gone: events must not pile up in the director. */
const MAX_BACKLOG_BYTES = 1 << 20;
/** A comment in a quiet stream shows both ends that the other is there; who has not read the last one is gone. */
const COMMENT_EVERY_MS = 15_000;
/** Over TCP a stream ends then; a client of Server-Sent Events connects again by itself, and misses nothing. */
const LONGEST_STREAM_MS = 3_600_000;
const LINES_PER_CHUNK = 256;

/** Lists that may be long, and events as they happen. */
export function streamRoutes(app: ApiServer, { control, listener }: ApiOptions): void {
  app.get(
    '/v1/flows',
    {
      schema: {
        summary: 'List remembered flows, one JSON object per line',
        description:
          '`client` is an address or a network. Flows of stable ring slots are not remembered, and not listed.',
        produces: ['application/x-ndjson'],
        querystring: flowQuerySchema,
      },
    },
    async (request, reply) => {
      const lines = Readable.from(flowLines(control, flowFilter(request.query)), { objectMode: false });
      return reply.type('application/x-ndjson').send(lines);
    },
  );
  app.get(
    '/v1/events',
    {
      schema: {
        summary: 'List the events that the daemon has kept since it started',
        description: 'With `after`, those with a greater number.',
        querystring: eventQuerySchema,
        response: { 200: z.array(eventSchema), default: errorSchema },
      },
    },
    (request) => [...control.events(request.query.after)],
  );
  app.get(
    '/v1/events/stream',
    {
      schema: {
        summary: 'Stream events as they happen, as Server-Sent Events',
        description: 'Begins after the event that `after` or the header `Last-Event-ID` names.',
        produces: ['text/event-stream'],
        querystring: eventQuerySchema,
      },
    },
    (request, reply) => {
      const last = Number(request.headers['last-event-id'] ?? request.query.after);
      const after = Number.isSafeInteger(last) ? last : request.query.after;
      sendEvents(control, reply, { after, endsInTime: listener !== undefined });
    },
  );
}

function flowFilter(query: z.infer<typeof flowQuerySchema>): FlowFilter {
  const service = parseServiceName(query.service ?? '');
  const real = parseIp(query.real ?? '');
  const client = parseIpNetwork(query.client ?? '');
  return {
    ...(service === undefined ? {} : { service }),
    ...(real === undefined ? {} : { real }),
    ...(client === undefined ? {} : { client: client.address, prefixLength: client.prefixLength }),
    ...(query.state === undefined ? {} : { state: query.state }),
  };
}

async function* flowLines(control: DirectorControl, filter: FlowFilter): AsyncIterable<string> {
  let lines: string[] = [];
  for await (const flow of control.flows(filter)) {
    lines.push(`${JSON.stringify(flowToWire(flow))}\n`);
    if (lines.length < LINES_PER_CHUNK) continue;
    yield lines.join('');
    lines = [];
  }
  yield lines.join('');
}

function sendEvents(
  control: DirectorControl,
  reply: FastifyReply,
  { after, endsInTime }: { readonly after: number; readonly endsInTime: boolean },
): void {
  const headers = reply.getHeaders() as OutgoingHttpHeaders;
  reply.hijack();
  const out = reply.raw;
  const gone = new AbortController();
  out.on('close', () => gone.abort());
  out.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
  out.write(': culvert events\n\n');
  keepAlive(out, gone.signal);
  if (endsInTime) endAfter(out, LONGEST_STREAM_MS, gone.signal);
  const send = (event: DirectorEvent): void => {
    if (out.writableLength > MAX_BACKLOG_BYTES) out.destroy();
    else out.write(`id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  // Both in one turn of the loop, so that no event falls between the list and the subscription.
  control.events(after).forEach(send);
  control.subscribe(send, gone.signal);
}

function keepAlive(out: ServerResponse, gone: AbortSignal): void {
  const timer = setInterval(() => {
    if (out.writableLength > 0) out.destroy();
    else out.write(': still here\n\n');
  }, COMMENT_EVERY_MS).unref();
  gone.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function endAfter(out: ServerResponse, ms: number, gone: AbortSignal): void {
  const timer = setTimeout(() => out.end(), ms).unref();
  gone.addEventListener('abort', () => clearTimeout(timer), { once: true });
}
