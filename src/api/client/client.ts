// The client of a director's API over its control socket.
import type {
  ReloadSummary,
  WireApplied,
  WireApply,
  WireConfig,
  WireDiff,
} from '../../contract/api/configuration.ts';
import type { WireStats, WireStatus } from '../../contract/api/director-status.ts';
import type { DirectorEvent } from '../../contract/api/event.ts';
import type { WireExplanation } from '../../contract/api/explanation.ts';
import type { WireFlow } from '../../contract/api/flow.ts';
import type { WireRealSelector, WireWeightChange } from '../../contract/api/requests.ts';
import type { WireReal, WireService } from '../../contract/api/service-status.ts';
import { ERROR_CODES, type ErrorCode } from '../../error-codes.ts';
import { CulvertError } from '../../errors.ts';
import type { FlowStateName } from '../../forwarding/flow-states.ts';
import { connectUnix, exchange, type UnixAnswer } from './unix-http.ts';

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

  /** Resets the counters of one service, named as tcp:192.0.2.10:80, or of all. */
  zero(service?: string): Promise<WireStats> {
    return this.#json({ method: 'POST', path: '/v1/stats/zero', body: { service } });
  }

  events(after = 0): Promise<readonly DirectorEvent[]> {
    return this.#json({ method: 'GET', path: `/v1/events?after=${after}` });
  }

  reload(): Promise<ReloadSummary> {
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

  /** The same of a file of YAML that differs little from the director's; undefined where only its values will do. */
  async diffYaml(yaml: string): Promise<WireDiff | undefined> {
    try {
      return await this.#json({ method: 'POST', path: '/v1/config/diff/yaml', body: { yaml } });
    } catch (error) {
      if (error instanceof CulvertError && (error.code === 'CONFLICT' || error.code === 'API'))
        return undefined;
      throw error;
    }
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
  async *follow(after: number, signal: AbortSignal): AsyncIterable<DirectorEvent> {
    try {
      for await (const line of this.#lines({
        method: 'GET',
        path: `/v1/events/stream?after=${after}`,
        signal,
      })) {
        if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as DirectorEvent;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      return;
    }
    if (!signal.aborted) throw notRunning(this.#socketPath, 'the director closed the stream');
  }

  async #json<T>(call: Call): Promise<T> {
    const answer = await this.#open({ ...call, answerWithinMs: this.#answerWithinMs });
    return JSON.parse(await this.#text(answer)) as T;
  }

  async *#lines(call: Call): AsyncIterable<string> {
    const { body } = await this.#open(call);
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const piece of body) {
        const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (error) {
      throw call.signal?.aborted ? error : this.#brokenOff(error);
    }
  }

  async #open({ body, answerWithinMs = 0, ...call }: Call): Promise<UnixAnswer> {
    const socketPath = this.#socketPath;
    const socket = connectUnix(socketPath);
    socket.setTimeout(answerWithinMs, () => socket.destroy(silent(socketPath, answerWithinMs)));
    const request = { ...call, body: body === undefined ? undefined : JSON.stringify(body) };
    const answer = await exchange(socket, request).catch((error: NodeJS.ErrnoException) => {
      socket.destroy();
      throw connectError(socketPath, error);
    });
    if (answer.status === 200) return answer;
    throw refusal(answer.status, await this.#text(answer));
  }

  async #text({ body }: UnixAnswer): Promise<string> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of body) pieces.push(piece);
    } catch (error) {
      throw this.#brokenOff(error);
    }
    return Buffer.concat(pieces).toString();
  }

  #brokenOff(error: unknown): Error {
    if (error instanceof CulvertError) return error;
    return notRunning(this.#socketPath, 'the answer was cut off', error);
  }
}

function silent(socketPath: string, afterMs: number): CulvertError {
  const message = `the director has not answered for ${afterMs / 1000} s; fix: check its process and its log, and whether it has carried out the request`;
  return new CulvertError('NOT_RUNNING', message, { where: socketPath });
}

function connectError(socketPath: string, error: NodeJS.ErrnoException): Error {
  if (error instanceof CulvertError) return error;
  if (error.code === 'EACCES') {
    return new CulvertError(
      'PERMISSION',
      "only the director's user may use its control socket; fix: run as root",
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
  return new CulvertError('NOT_RUNNING', `no director answers (${detail}); fix: ${advice}`, {
    where: socketPath,
    cause,
  });
}

function refusal(status: number, body: string): CulvertError {
  try {
    const { code, message } = JSON.parse(body) as { code: string; message: string };
    return new CulvertError(code in ERROR_CODES ? (code as ErrorCode) : 'API', message);
  } catch (error) {
    return new CulvertError('API', `the director answered with status ${status}: ${body}`, { cause: error });
  }
}
