// Names of hosts and services, where ipvsadm shows them.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';

/** The machine's names of hosts and ports; undefined where it has no name, or does not know one. */
export interface Names {
  /** The IPv4 address of a host, in text. */
  addressOf(host: string): string | undefined;
  portOf(service: string, protocol: TransportProtocol): number | undefined;
  hostOf(address: string): string | undefined;
  serviceOf(port: number, protocol: TransportProtocol): string | undefined;
}

/** Ports by name and names by port, of a text as /etc/services: the first line that fits counts, as for getservbyname(3). */
export class ServiceNames implements Pick<Names, 'portOf' | 'serviceOf'> {
  readonly #ports = new Map<string, number>();
  readonly #names = new Map<string, string>();

  constructor(text: string) {
    for (const line of text.split('\n')) this.#read(line.replace(/#.*/, '').trim().split(/\s+/));
  }

  portOf(service: string, protocol: TransportProtocol): number | undefined {
    return this.#ports.get(`${service}/${protocol}`);
  }

  serviceOf(port: number, protocol: TransportProtocol): string | undefined {
    return this.#names.get(`${port}/${protocol}`);
  }

  #read([name = '', entry = '', ...aliases]: readonly string[]): void {
    const [, port, protocol] = /^(\d+)\/(\w+)$/.exec(entry) ?? [];
    if (port === undefined || protocol === undefined) return;
    for (const alias of [name, ...aliases]) setOnce(this.#ports, `${alias}/${protocol}`, Number(port));
    setOnce(this.#names, `${Number(port)}/${protocol}`, name);
  }
}

function setOnce<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (!map.has(key)) map.set(key, value);
}
