// Opens the sockets of checks that go through a tunnel.
import { openBoundTcp } from '../../../linux/sockets/bound-tcp.ts';
import { openBoundUdp } from '../../../linux/sockets/bound-udp.ts';
import { familyOf, formatIp, type IpAddress } from '../../../net/address/ip-address.ts';
import type { CheckConnector, CheckStream, CheckTarget, UdpRequest } from '../../check-connector.ts';
import { connectDirect, connected, sourceOf } from '../../connect-direct.ts';
import { exchangeOn } from '../../exchange-udp.ts';
import type { CheckNetwork } from './check-network.ts';
import type { CheckRegistry, TunnelTarget } from './check-registry.ts';
import { Pinger, type SocketPlace } from './pinger.ts';

export interface TunnelConnectorOptions {
  /** The network namespace of the sockets of checks through the tunnel. */
  readonly network: Pick<CheckNetwork, 'open'>;
  /** The director's own address, of the VIP's family, that a real can answer to; undefined when there is none. */
  readonly sourceTo: (target: TunnelTarget) => IpAddress | undefined;
  /** Returns where the host's own stack listens for a real that is the director itself; undefined for other reals. */
  readonly ownAddress: (target: TunnelTarget) => IpAddress | undefined;
  readonly checks: CheckRegistry;
}

/** The reset that ends a check is read from the TAP device some turns of the event loop after the socket is gone. */
const LINGER_MS = 500;

/** Checks through the tunnel by sockets in a network namespace of their own, whose packets come to the slow path. */
export class TunnelConnector implements CheckConnector, Disposable {
  readonly #options: TunnelConnectorOptions;
  readonly #pinger = new Pinger();

  constructor(options: TunnelConnectorOptions) {
    this.#options = options;
  }

  async connectTcp(asked: CheckTarget, signal: AbortSignal): Promise<CheckStream> {
    const target = this.#followed(asked);
    if (target.via === 'direct') return connectDirect(target, signal);
    signal.throwIfAborted();
    const { vip, port } = target;
    const source = this.#sourceTo(target);
    const { socket, localPort } = this.#options.network.open({ source, vip }, () => openBoundTcp({ source }));
    using opening = new DisposableStack();
    opening.defer(() => socket.destroy());
    const unregister = this.#options.checks.register({ protocol: 'tcp', localPort, source }, target);
    socket.once('close', () => linger(unregister));
    const stream = await connected(socket.connect({ host: formatIp(vip), port }), signal);
    opening.move();
    return stream;
  }

  async exchangeUdp(asked: CheckTarget, request: UdpRequest, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const target = this.#followed(asked);
    if (target.via === 'direct') {
      const { socket } = await openBoundUdp(sourceOf(target));
      return exchangeOn(socket, target, request, signal);
    }
    const source = this.#sourceTo(target);
    const { vip, port } = target;
    const opening = this.#options.network.open({ source, vip }, () => openBoundUdp({ source }));
    const { socket, localPort } = await opening;
    using opened = new DisposableStack();
    opened.defer(() => socket.close());
    const unregister = this.#options.checks.register({ protocol: 'udp', localPort, source }, target);
    opened.move();
    socket.once('close', () => linger(unregister));
    return exchangeOn(socket, { address: vip, port }, request, signal);
  }

  async ping(asked: CheckTarget, signal: AbortSignal): Promise<void> {
    const target = this.#followed(asked);
    if (target.via === 'direct') {
      // A raw socket has no port.
      const { port: _port, ...source } = sourceOf(target);
      return this.#pinger.ping({ destination: target.address, ...source }, signal);
    }
    const source = this.#sourceTo(target);
    const { checks, network } = this.#options;
    const { vip } = target;
    const within: SocketPlace = (open) => network.open({ source, vip }, open);
    const register = (identifier: number): (() => void) => {
      const unregister = checks.register({ protocol: 'icmp', localPort: identifier, source }, target);
      return () => linger(unregister);
    };
    await this.#pinger.ping({ destination: vip, within, source, register }, signal);
  }

  [Symbol.dispose](): void {
    this.#pinger[Symbol.dispose]();
  }

  #followed(target: CheckTarget): CheckTarget {
    const address = target.via === 'direct' ? undefined : this.#options.ownAddress(target);
    return address === undefined ? target : { via: 'direct', address, port: target.port };
  }

  #sourceTo(target: TunnelTarget): IpAddress {
    const source = this.#options.sourceTo(target);
    if (source !== undefined) return source;
    const { vip, real } = target;
    if (familyOf(vip) === familyOf(real)) throw new Error(`no route to ${formatIp(real)}`);
    throw new Error(`the director has no IPv${familyOf(vip)} address that the real server could answer to`);
  }
}

function linger(unregister: () => void): void {
  setTimeout(unregister, LINGER_MS).unref();
}
