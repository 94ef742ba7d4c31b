import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CheckTarget } from '../../../src/dataplane/check-connector.ts';
import type { FlowRecord, PlaneCounters, PlaneEvent } from '../../../src/dataplane/data-plane.ts';
import type { ForwardingTable, Service } from '../../../src/forwarding/forwarding-table.ts';
import type { ApplySummary } from '../../../src/forwarding/image/change/apply-run.ts';
import { NAMESPACE_DIRECTORY } from '../../../src/linux/namespaces/namespace-thread.ts';

type Method =
  | 'open'
  | 'apply'
  | 'useInterfaces'
  | 'mendDrift'
  | 'services'
  | 'counters'
  | 'flows'
  | 'check'
  | 'ping'
  | 'close'
  | 'remove';

export interface Call {
  readonly id: number;
  readonly method: Method;
  readonly argument: unknown;
}

export interface Answer {
  readonly kind: 'answer';
  readonly id: number;
  readonly result: unknown;
  readonly error: { readonly message: string; readonly code: string | undefined } | undefined;
}

export interface OpenOptions {
  readonly slots?: number;
  readonly interfaces?: readonly string[];
  readonly objectPath?: string;
  /** A command that starts the process, such as one that takes capabilities away. */
  readonly wrapper?: readonly string[];
}

const SCRIPT = fileURLToPath(new URL('director-process.ts', import.meta.url));
const CAPACITY = { slots: 1 << 17, flows: 1 << 12 };

/** A plane in a process of its own inside a namespace, which can be killed. */
export class RemotePlane implements AsyncDisposable {
  readonly events: PlaneEvent[] = [];
  readonly description: string = '';
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  private constructor(namespace: string, wrapper: readonly string[]) {
    const command = [`--net=${NAMESPACE_DIRECTORY}/${namespace}`, ...wrapper, process.execPath, SCRIPT];
    this.#child = spawn('nsenter', command, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.on('message', (message) =>
      this.#take(message as Answer | { kind: 'event'; event: PlaneEvent }),
    );
    this.#child.on('exit', () => {
      for (const call of this.#calls.values()) call.reject(new Error('the director process ended'));
    });
  }

  static async open(namespace: string, instance: string, options: OpenOptions = {}): Promise<RemotePlane> {
    const plane = new RemotePlane(namespace, options.wrapper ?? []);
    try {
      const description = await plane.#call('open', {
        interfaces: options.interfaces ?? ['eth0'],
        instance,
        ...(options.objectPath !== undefined && {
          objectPaths: { plain: options.objectPath, finishing: options.objectPath },
        }),
        capacity: { ...CAPACITY, ...(options.slots !== undefined && { slots: options.slots }) },
      });
      return Object.assign(plane, { description: description as string });
    } catch (error) {
      await plane.kill();
      throw error;
    }
  }

  apply(table: ForwardingTable): Promise<ApplySummary> {
    return this.#call('apply', table) as Promise<ApplySummary>;
  }

  services(): Promise<readonly Service[]> {
    return this.#call('services') as Promise<readonly Service[]>;
  }

  counters(): Promise<PlaneCounters> {
    return this.#call('counters') as Promise<PlaneCounters>;
  }

  flows(): Promise<readonly FlowRecord[]> {
    return this.#call('flows') as Promise<readonly FlowRecord[]>;
  }

  /** A TCP check; rejects with the connector's own words. */
  async check(target: CheckTarget): Promise<void> {
    await this.#call('check', target);
  }

  async ping(target: CheckTarget): Promise<void> {
    await this.#call('ping', target);
  }

  async useInterfaces(names: readonly string[]): Promise<void> {
    await this.#call('useInterfaces', names);
  }

  async mendDrift(): Promise<void> {
    await this.#call('mendDrift', undefined);
  }

  /** Ends the control, as a daemon that is told to stop does. */
  async close(): Promise<void> {
    await this.#call('close');
    await this.kill();
  }

  async remove(): Promise<void> {
    await this.#call('remove');
    await this.kill();
  }

  /** SIGKILL, and waits for the end. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #call(method: Method, argument?: unknown): Promise<unknown> {
    const id = ++this.#lastId;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(id, call);
    this.#child.send({ id, method, argument } satisfies Call);
    return call.promise;
  }

  #take(message: Answer | { readonly kind: 'event'; readonly event: PlaneEvent }): void {
    if (message.kind === 'event') {
      this.events.push(message.event);
      return;
    }
    const call = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    if (message.error === undefined) call?.resolve(message.result);
    else call?.reject(Object.assign(new Error(message.error.message), { code: message.error.code }));
  }
}
