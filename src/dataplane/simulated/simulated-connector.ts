// Connections of checks in the simulated network.
import type { RealIndex } from '../../forwarding/decision.ts';
import type { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import { checkKey, type ForwarderState } from '../../forwarding/state.ts';
import { formatIp, onlyIpv4 } from '../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../net/address/ipv4-address.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import type { CheckConnector, CheckStream, CheckTarget, UdpRequest } from '../check-connector.ts';
import type { Host } from './network/simulated-host.ts';
import { TcpDuplex } from './transport/tcp-duplex.ts';

/**
 * Connects from the director's own host. The packets of a check through the tunnel carry the real's index as their
 * mark, by which the director's node knows where to encapsulate them to.
 */
export class SimulatedCheckConnector implements CheckConnector {
  readonly #director: Host;
  readonly #state: ForwarderState;

  constructor(director: Host, state: ForwarderState) {
    this.#director = director;
    this.#state = state;
  }

  async connectTcp(target: CheckTarget, signal: AbortSignal): Promise<CheckStream> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stream = new TcpDuplex();
    const connection = this.#director.tcp.connect({
      ...this.#route(target),
      port: target.port,
      listener: { ...stream.listener, connected: resolve },
    });
    stream.carryOn(connection);
    const abort = (): void => void stream.destroy(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    stream.on('error', reject);
    stream.once('close', () => {
      signal.removeEventListener('abort', abort);
      reject(new Error('the connection was closed'));
      this.#forget(PROTOCOL.tcp, connection.addresses.localPort);
    });
    await promise;
    return { stream, [Symbol.dispose]: () => void stream.destroy() };
  }

  async exchangeUdp(target: CheckTarget, request: UdpRequest, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { udp, ip } = this.#director;
    const { destination, mark } = this.#route(target);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    using ending = this.#rejectOnAbort(signal, reject);
    const sourcePort = udp.open(
      ({ source, sourcePort: from, payload }) => {
        const isAnswer = source === destination && from === target.port;
        if (isAnswer && request.accept?.(payload) !== false) resolve(payload);
      },
      () => reject(new Error('connection refused')),
    );
    ending.defer(() => {
      udp.close(sourcePort);
      this.#forget(PROTOCOL.udp, sourcePort);
    });
    const source = ip.sourceAddressFor(destination) ?? destination;
    const { payload } = request;
    udp.send({ source, sourcePort, destination, destinationPort: target.port, payload }, mark);
    return await promise;
  }

  async ping(target: CheckTarget, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { destination, mark } = this.#route(target);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    using ending = this.#rejectOnAbort(signal, reject);
    const replied = (source: Ipv4Address): void => {
      if (source === destination) resolve();
    };
    const identifier = this.#director.ping(destination, replied, mark);
    ending.defer(() => {
      this.#director.endPing(identifier);
      this.#forget(PROTOCOL.icmp, identifier);
    });
    await promise;
  }

  #route(target: CheckTarget): { readonly destination: Ipv4Address; readonly mark?: number } {
    return target.via === 'tunnel'
      ? { destination: onlyIpv4(target.vip), mark: indexOf(this.#state.image, target) }
      : { destination: onlyIpv4(target.address) };
  }

  #forget(protocol: number, port: number): void {
    this.#state.checks.delete(checkKey(protocol, port));
  }

  #rejectOnAbort(signal: AbortSignal, reject: (reason: Error) => void): DisposableStack {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    const ending = new DisposableStack();
    ending.defer(() => signal.removeEventListener('abort', abort));
    return ending;
  }
}

/** Any entry of the real with that VIP will do: the check's port need not be the service's. */
function indexOf(image: ForwardingImage, { vip, real }: CheckTarget & { via: 'tunnel' }): RealIndex {
  for (const { service, reals } of image.serviceEntries()) {
    const index = service.vip === vip ? reals.get(real) : undefined;
    if (index !== undefined) return index;
  }
  throw new Error(`no service of ${formatIp(vip)} has the real ${formatIp(real)}`);
}
