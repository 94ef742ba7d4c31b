import type { ForwardingTable, Service } from '../../../../src/forwarding/forwarding-table.ts';
import { formatEndpoint, formatIp } from '../../../../src/net/address/ip-address.ts';
import { IpvsNetwork } from './network.ts';

/** Kernel IPVS with the services of a table, in TUN mode. */
export class KernelDirector implements Disposable {
  readonly #network: IpvsNetwork;

  private constructor(network: IpvsNetwork) {
    this.#network = network;
  }

  static async open(table: ForwardingTable): Promise<KernelDirector> {
    const network = await IpvsNetwork.open();
    try {
      network.run(['ipvsadm', '-R'], table.services.flatMap(rulesOf).join('\n'));
      return new KernelDirector(network);
    } catch (error) {
      network[Symbol.dispose]();
      throw error;
    }
  }

  /** The IPv4 packets that leave after these have come, in their order. */
  forward(packets: readonly Uint8Array[], paddingBytes = 0): Promise<Uint8Array[]> {
    return this.#network.exchange(packets, paddingBytes);
  }

  [Symbol.dispose](): void {
    this.#network[Symbol.dispose]();
  }
}

function rulesOf({ vip, protocol, port, scheduler, reals }: Service): string[] {
  const service = `${protocol === 'tcp' ? '-t' : '-u'} ${formatEndpoint(vip, port)}`;
  return [
    `-A ${service} -s ${scheduler}`,
    ...reals.map(({ address, weight }) => `-a ${service} -r ${formatIp(address)} -i -w ${weight}`),
  ];
}
