// Prints a director as `ipvsadm -L` and `-S` do.
import type { ApiClient } from '../../api/client/client.ts';
import { serviceName } from '../../contract/api/service-text.ts';
import type { AdmCommand, AdmService, Listing } from '../../ipvsadm/parse/ipvsadm-command.ts';
import { AdmFault } from '../../ipvsadm/parse/ipvsadm-fault.ts';
import { listedConnection, listedServices, savedServices } from '../../ipvsadm/print/from-wire.ts';
import type { Names } from '../../ipvsadm/print/host-names.ts';
import type { ListedService } from '../../ipvsadm/print/listed.ts';
import { CONNECTIONS_TITLE, connectionText } from '../../ipvsadm/print/print-connections.ts';
import { rulesText } from '../../ipvsadm/print/print-rules.ts';
import { tableText, VERSION_LINE } from '../../ipvsadm/print/print-table.ts';
import { timeoutsText } from '../../ipvsadm/print/timeouts.ts';
import { type CliEnvironment, printPaced } from '../command-context.ts';
import type { LearntNames } from './machine-names.ts';

type ShowCommand = Extract<AdmCommand, { readonly name: 'list' | 'save' }>;

interface Parts {
  readonly context: Pick<CliEnvironment, 'stdout'>;
  readonly names: LearntNames;
  readonly client: ApiClient;
}

/** Prints a director as `ipvsadm -L` and `-S` do. */
export class IpvsadmListings {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async show(command: ShowCommand): Promise<AdmFault | undefined> {
    if (command.name === 'save') return this.#save(command.numeric);
    const { of, listing } = command;
    switch (listing.what) {
      case 'connections':
        return this.#connections(listing.numeric);
      case 'timeouts':
        return this.#print(timeoutsText((await this.#parts.client.config()).config));
      case 'daemon':
        return undefined;
      default:
        return this.#table(of, listing);
    }
  }

  /** The name in the API of the service that ipvsadm means; undefined when there is none. */
  async nameOf(of: AdmService): Promise<string | undefined> {
    const found = (await this.#parts.client.services()).find(({ service, morePorts }) =>
      isMeant({ ...service, address: service.vip, morePorts }, of),
    );
    return found === undefined ? undefined : serviceName(found.service);
  }

  async #table(of: AdmService | undefined, listing: Listing): Promise<AdmFault | undefined> {
    const all = listedServices(await this.#parts.client.status());
    const services = of === undefined ? all : all.filter((service) => isMeant(service, of));
    if (of !== undefined && services.length === 0) return AdmFault.listing('No such service');
    const names = await this.#namesOf(services, listing.numeric);
    return this.#print(`${of === undefined ? VERSION_LINE : ''}${tableText(services, listing, names)}`);
  }

  async #save(numeric: boolean): Promise<undefined> {
    const status = await this.#parts.client.status();
    const services = savedServices(status);
    return this.#print(rulesText(services, await this.#namesOf(services, numeric)));
  }

  async #connections(numeric: boolean): Promise<undefined> {
    const { client, context, names } = this.#parts;
    await printPaced(context, CONNECTIONS_TITLE);
    for await (const flow of client.flows()) {
      const connection = listedConnection(flow);
      if (!numeric) await names.learnHosts([connection.client, connection.service, connection.server]);
      await printPaced(context, connectionText(connection, numeric ? undefined : names));
    }
  }

  async #namesOf(services: readonly ListedService[], numeric: boolean): Promise<Names | undefined> {
    if (numeric) return undefined;
    const { names } = this.#parts;
    await names.learnHosts(
      services.flatMap(({ address, servers }) => [address, ...servers.map((server) => server.address)]),
    );
    return names;
  }

  async #print(text: string): Promise<undefined> {
    await printPaced(this.#parts.context, text);
  }
}

type Meant = Pick<ListedService, 'protocol' | 'address' | 'port' | 'morePorts'>;

function isMeant({ protocol, address, port, morePorts }: Meant, of: AdmService): boolean {
  return (
    'port' in of &&
    protocol === of.protocol &&
    address === of.address &&
    (port === of.port || morePorts.includes(of.port))
  );
}
