import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { FlowStateName } from '../dataplane/data-plane.ts';
import { ERROR_CODES, type ErrorCode } from '../error-codes.ts';
import { CulvertError } from '../errors.ts';
import type {
  WireApplied,
  WireApply,
  WireConfig,
  WireDiff,
  WireEvent,
  WireExplanation,
  WireFlow,
  WireReal,
  WireRealSelector,
  WireReload,
  WireService,
  WireStats,
  WireStatus,
  WireWeightChange,
} from './wire.ts';

export interface FlowQuery {
  readonly service?: string | undefined;
  readonly real?: string | undefined;
  /** An address or a network. */
  readonly client?: string | undefined;
  readonly state?: FlowStateName | undefined;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly answerWithinMs?: number;
}

/** Many times what a large configuration takes on a busy machine: a director that is silent for so long hangs, or is stopped. */
const ANSWER_WITHIN_MS = 60_000;

/**
 * Speaks to a running director over its Unix socket.
 * Every call throws CulvertError: NOT_RUNNING when nobody answers, else the code that the director answered with.
 */
export class ApiClient {
  readonly #socketPath: string;
  readonly #answerWithinMs: number;

  constructor(socketPath: string, { answerWithinMs = ANSWER_WITHIN_MS }: { answerWithinMs?: number } = {}) {
    this.#socketPath = socketPath;
    this.#answerWithinMs = answerWithinMs;
  }

  status(): Promise<WireStatus> {
    return this.#json({ method: 'GET', path: '/v1/status' });
  }

  services(): Promise<readonly WireService[]> {
    return this.#json({ method: 'GET', path: '/v1/services' });
  }

  reals(): Promise<readonly WireReal[]> {
    return this.#json({ method: 'GET', path: '/v1/reals' });
  }

  stats(): Promise<WireStats> {
    return this.#json({ method: 'GET', path: '/v1/stats' });
  }

  /** Of one service, as tcp:192.0.2.10:80, or of all. */
  zero(service?: string): Promise<WireStats> {
    return this.#json({ method: 'POST', path: '/v1/stats/zero', body: { service } });
  }

  events(after = 0): Promise<readonly WireEvent[]> {
    return this.#json({ method: 'GET', path: `/v1/events?after=${after}` });
  }

  reload(): Promise<WireReload> {
    return this.#json({ method: 'POST', path: '/v1/reload' });
  }

  config(): Promise<WireConfig> {
    return this.#json({ method: 'GET', path: '/v1/config' });
  }

  apply(change: WireApply): Promise<WireApplied> {
    return this.#json({ method: 'PUT', path: '/v1/config', body: change });
  }

  confirm(): Promise<WireConfig> {
    return this.#json({ method: 'POST', path: '/v1/config/confirm' });
  }

  revert(): Promise<WireApplied> {
    return this.#json({ method: 'POST', path: '/v1/config/revert' });
  }

  /** @param config A configuration as it is written. */
  diff(config: unknown): Promise<WireDiff> {
    return this.#json({ method: 'POST', path: '/v1/config/diff', body: { config } });
  }

  weight(change: WireWeightChange): Promise<readonly WireReal[]> {
    return this.#json({ method: 'POST', path: '/v1/reals/weight', body: change });
  }

  drain(selector: WireRealSelector): Promise<readonly WireReal[]> {
    return this.#json({ method: 'POST', path: '/v1/reals/drain', body: selector });
  }

  undrain(selector: WireRealSelector): Promise<readonly WireReal[]> {
    return this.#json({ method: 'POST', path: '/v1/reals/undrain', body: selector });
  }

  explain(packet: Uint8Array): Promise<WireExplanation> {
    const body = { packet: Buffer.from(packet).toString('hex') };
    return this.#json({ method: 'POST', path: '/v1/explain', body });
  }

  async down(): Promise<void> {
    await this.#json({ method: 'POST', path: '/v1/down' });
  }

  async *flows(query: FlowQuery = {}): AsyncIterable<WireFlow> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const path = `/v1/flows?${new URLSearchParams(given).toString()}`;
    for await (const line of this.#lines({ method: 'GET', path })) {
      if (line !== '') yield JSON.parse(line) as WireFlow;
    }
  }

  /** Events from after `after` on, until the signal aborts (then it ends) or the director goes away (then it throws). */
  async *follow(after: number, signal: AbortSignal): AsyncIterable<WireEvent> {
    try {
      for await (const line of this.#lines({
        method: 'GET',
        path: `/v1/events/stream?after=${after}`,
        signal,
      })) {
        if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as WireEvent;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    }
    if (!signal.aborted) throw notRunning(this.#socketPath, 'the director closed the stream');
  }

  async #json<T>(call: Call): Promise<T> {
    const response = await this.#open({ ...call, answerWithinMs: this.#answerWithinMs });
    return JSON.parse(await text(response)) as T;
  }

  async *#lines(call: Call): AsyncIterable<string> {
    const response = await this.#open(call);
    response.setEncoding('utf8');
    let rest = '';
    try {
      for await (const chunk of response) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw notRunning(this.#socketPath, 'the answer broke off', error);
    } finally {
      response.destroy();
    }
  }

  async #open(call: Call): Promise<IncomingMessage> {
    const response = await send(this.#socketPath, call);
    if (response.statusCode === 200) return response;
    throw refusal(response.statusCode, await text(response));
  }
}

function send(
  socketPath: string,
  { method, path, body, signal, answerWithinMs = 0 }: Call,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const outgoing = request({ socketPath, method, path, headers, ...(signal ? { signal } : {}) }, resolve);
    outgoing.once('error', (error: NodeJS.ErrnoException) => reject(connectError(socketPath, error)));
    outgoing.setTimeout(answerWithinMs, () => outgoing.destroy(silent(socketPath, answerWithinMs)));
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function silent(socketPath: string, afterMs: number): CulvertError {
  const message = `the director has not answered for ${afterMs / 1000} s; see what its process does, and what it has done yet`;
  return new CulvertError('NOT_RUNNING', message, { where: socketPath });
}

function connectError(socketPath: string, error: NodeJS.ErrnoException): Error {
  if (error instanceof CulvertError) return error;
  if (error.code === 'EACCES') {
    return new CulvertError(
      'PERMISSION',
      "only the director's user may use its control socket; try as root",
      {
        where: socketPath,
        cause: error,
      },
    );
  }
  return notRunning(socketPath, error.message, error);
}

function notRunning(socketPath: string, detail: string, cause?: unknown): CulvertError {
  const advice = 'start one with `culvert run -c FILE`, or name another with --instance or --socket';
  return new CulvertError('NOT_RUNNING', `no director answers (${detail}); ${advice}`, {
    where: socketPath,
    cause,
  });
}

function refusal(status: number | undefined, body: string): CulvertError {
  try {
    const { code, message } = JSON.parse(body) as { code: string; message: string };
    return new CulvertError(code in ERROR_CODES ? (code as ErrorCode) : 'API', message);
  } catch (error) {
    return new CulvertError('API', `the director answered with status ${status}: ${body}`, { cause: error });
  }
}
