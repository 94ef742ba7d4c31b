// Names of hosts and ports as this machine knows them.
import { lookup, lookupService } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { type Names, ServiceNames } from '../../ipvsadm/print/host-names.ts';

const SERVICES_FILE = '/etc/services';

/** Names of hosts may need a query to a server, so they are known only once they have been learnt. */
export interface LearntNames extends Names {
  /** Looks up what was asked for and not known. @returns whether there was any. */
  learnWanted(): Promise<boolean>;
  /** Learns what hosts of these addresses are called. */
  learnHosts(addresses: Iterable<string>): Promise<void>;
}

/** The names that this machine has for hosts and ports. */
export class MachineNames implements LearntNames {
  readonly #services: ServiceNames;
  readonly #addresses = new Map<string, string | undefined>();
  readonly #hosts = new Map<string, string | undefined>();
  readonly #wanted = new Set<string>();

  /** Opens the machine's names. Without the file ports have no names. */
  static async open(): Promise<MachineNames> {
    return new MachineNames(await readFile(SERVICES_FILE, 'utf8').catch(() => ''));
  }

  private constructor(services: string) {
    this.#services = new ServiceNames(services);
  }

  addressOf(host: string): string | undefined {
    if (host !== '' && !this.#addresses.has(host)) this.#wanted.add(host);
    return this.#addresses.get(host);
  }

  portOf(...[service, protocol]: Parameters<Names['portOf']>): number | undefined {
    return this.#services.portOf(service, protocol);
  }

  hostOf(address: string): string | undefined {
    return this.#hosts.get(address);
  }

  serviceOf(...[port, protocol]: Parameters<Names['serviceOf']>): string | undefined {
    return this.#services.serviceOf(port, protocol);
  }

  async learnWanted(): Promise<boolean> {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    await Promise.all(
      wanted.map(async (host) => {
        const found = await lookup(host, 4).catch(() => undefined);
        this.#addresses.set(host, found?.address);
      }),
    );
    return wanted.length > 0;
  }

  async learnHosts(addresses: Iterable<string>): Promise<void> {
    const unknown = [...new Set(addresses)].filter((address) => !this.#hosts.has(address));
    await Promise.all(
      unknown.map(async (address) => {
        const found = await lookupService(address, 0).catch(() => undefined);
        this.#hosts.set(address, found?.hostname === address ? undefined : found?.hostname);
      }),
    );
  }
}
