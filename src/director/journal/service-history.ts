// Follows one service through a replay: what of it changed last, when, and by which event.
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { Model, RealId } from '../world/model.ts';
import type { QuorumState } from '../world/quorum.ts';
import { type Handling, handlingOf, type ServiceWorld } from '../world/world.ts';
import type { KnownMoment } from './replay.ts';

/** The destination of a packet. */
export interface Destination {
  readonly address: IpAddress;
  readonly protocol: TransportProtocol;
  readonly port: number;
}

/** Since when something is so. */
export interface Since {
  readonly atMs: number;
  /** False: it was so already when the journal begins. */
  readonly isKnown: boolean;
}

/** The last change of a service's entry in the table. */
export interface EntryChange extends Since {
  readonly cause: KnownMoment['cause'];
  readonly events: readonly string[];
}

/** Follows the service that a packet goes to. */
export class ServiceHistory {
  readonly #destination: Destination;
  #model: Model | undefined;
  #index = -1;
  #service: ServiceWorld | undefined;
  #entryChange: EntryChange | undefined;
  #quorum: { readonly state: QuorumState; readonly since: Since } | undefined;
  readonly #handled = new Map<RealId, { readonly handling: Handling; readonly since: Since }>();
  #isFirst = true;

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  /** The service as it is now; undefined if there is none. */
  get service(): ServiceWorld | undefined {
    return this.#service;
  }

  get entryChange(): EntryChange | undefined {
    return this.#entryChange;
  }

  get quorumSince(): Since | undefined {
    return this.#quorum?.since;
  }

  /** Returns since when a real of the service is handled as it is now. */
  handledSince(id: RealId): Since | undefined {
    return this.#handled.get(id)?.since;
  }

  note({ atMs, world, cause, events }: KnownMoment): void {
    if (world.model !== this.#model) this.#find(world.model);
    const before = this.#service;
    const after = world.services[this.#index];
    this.#service = after;
    const since = { atMs, isKnown: !this.#isFirst };
    this.#isFirst = false;
    if (after === undefined) return;
    const { name } = after.service;
    // A snapshot repeats what is known already, in other objects.
    const isRepeated = cause === undefined && before?.service.name === name;
    if (after.entry !== before?.entry && !isRepeated) {
      const own = events.map(({ message }) => message).filter((message) => isAbout(message, name));
      this.#entryChange = { ...since, cause, events: own };
    }
    if (after.quorum !== this.#quorum?.state) this.#quorum = { state: after.quorum, since };
    for (const { real } of after.reals) this.#noteHandling(real.id, handlingOf(world, real.id), since);
  }

  #find(model: Model): void {
    const { address, protocol, port } = this.#destination;
    const found = (wanted: number): number =>
      model.services.findIndex(({ config }) => {
        const ports: readonly number[] = [config.port, ...config.morePorts];
        return config.vip === address && config.protocol === protocol && ports.includes(wanted);
      });
    this.#model = model;
    const own = found(port);
    this.#index = own === -1 ? found(0) : own;
  }

  #noteHandling(id: RealId, handling: Handling, since: Since): void {
    const before = this.#handled.get(id)?.handling;
    if (before !== undefined && before.weight === handling.weight && before.drained === handling.drained)
      return;
    this.#handled.set(id, { handling, since });
  }
}

/** Returns true if an event names this service, and not one whose port has more digits. */
function isAbout(message: string, service: string): boolean {
  const at = message.indexOf(service);
  return at !== -1 && !/^\d/.test(message.slice(at + service.length));
}
