import { openMarkedTcp } from '../../linux/marked-tcp.ts';
import { formatIpv4, type Ipv4Address } from '../../net/ipv4-address.ts';
import type { CheckConnector, CheckTarget } from '../check-connector.ts';
import { connectAndReset, connectDirect } from '../connect-direct.ts';
import type { CheckRegistry, TunnelTarget } from './check-registry.ts';

export interface TunnelConnectorOptions {
  /** Routing leads packets with it to the slow path. */
  readonly mark: number;
  /** The director's own address on the route to a real; undefined when there is none. */
  readonly sourceTo: (real: Ipv4Address) => Ipv4Address | undefined;
  readonly checks: CheckRegistry;
}

/** The reset that ends a check is read from the TAP device some turns of the event loop after the socket is gone. */
const LINGER_MS = 500;

/** Checks through the tunnel by sockets whose packets the host's stack routes to the slow path. */
export class TunnelConnector implements CheckConnector {
  readonly #options: TunnelConnectorOptions;

  constructor(options: TunnelConnectorOptions) {
    this.#options = options;
  }

  connectTcp(target: CheckTarget, signal: AbortSignal): Promise<void> {
    if (target.via === 'direct') return connectDirect(target.address, target.port, signal);
    return this.#throughTunnel(target, signal);
  }

  async #throughTunnel(target: TunnelTarget, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const source = this.#options.sourceTo(target.real);
    if (source === undefined) throw new Error(`no route to ${formatIpv4(target.real)}`);
    const { socket, localPort } = openMarkedTcp(this.#options.mark, source);
    using released = new DisposableStack();
    released.defer(() => socket.destroy());
    const unregister = this.#options.checks.register({ localPort, source }, target);
    try {
      await connectAndReset(socket.connect({ host: formatIpv4(target.vip), port: target.port }), signal);
    } finally {
      setTimeout(unregister, LINGER_MS).unref();
    }
  }
}
