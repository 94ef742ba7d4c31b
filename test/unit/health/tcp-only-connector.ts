import { PassThrough } from 'node:stream';
import type { CheckConnector, CheckStream, CheckTarget } from '../../../src/dataplane/check-connector.ts';

type Connect = (target: CheckTarget, signal: AbortSignal) => Promise<void>;

/** Connections come about when `connect` resolves; there is nothing behind them. */
export class TcpOnlyConnector implements CheckConnector {
  readonly #connect: Connect;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  async connectTcp(target: CheckTarget, signal: AbortSignal): Promise<CheckStream> {
    await this.#connect(target, signal);
    const stream = new PassThrough();
    return { stream, [Symbol.dispose]: () => void stream.destroy() };
  }

  exchangeUdp(): Promise<never> {
    return Promise.reject(new Error('no UDP here'));
  }

  ping(): Promise<never> {
    return Promise.reject(new Error('no ICMP here'));
  }
}
