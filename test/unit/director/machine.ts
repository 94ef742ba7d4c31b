import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostFacts } from '../../../src/config/host/require-host.ts';
import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import { FileAppliedStore } from '../../../src/director/changes/applied-store.ts';
import { RunningConfig } from '../../../src/director/changes/running-config.ts';
import { Director } from '../../../src/director/director.ts';
import { EventLog } from '../../../src/director/event-log.ts';
import { Journal, type JournalOptions } from '../../../src/director/journal/journal.ts';
import { JournalFile } from '../../../src/director/journal/journal-file.ts';
import { PlaneEvents } from '../../../src/director/plane-events.ts';
import { FileStateStore } from '../../../src/director/state/file-state-store.ts';
import type { Input } from '../../../src/director/step/input.ts';
import type { World } from '../../../src/director/world/world.ts';
import type { ServiceKey } from '../../../src/forwarding/forwarding-table.ts';
import { type Ipv4Address, ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { ImagePlane } from './image-plane.ts';

export const WEB: ServiceKey = { vip: ipv4('192.0.2.10'), protocol: 'tcp', port: 80 };
export const REAL: Ipv4Address = ipv4('10.0.3.2');
export const TWO: string = '{address: 10.0.3.2}, {address: 10.0.4.2, weight: 50}';
const HOST: HostFacts = { interfaces: ['eth0', 'eth1'] };
/** Fast enough for a test, and each attempt counts. */
export const FAST: string = 'check: {interval: 20ms, timeout: 1s, retries: 0, retryDelay: 5ms}';

export function config(services: string, director = 'interface: eth0', defaults: string = FAST): string {
  return `director: {${director}}\ndefaults: {${defaults}}\nservices:\n${services}`;
}

export function web(reals: string, port = 80): string {
  return `  - {vip: 192.0.2.10, port: ${port}, reals: [${reals}]}\n`;
}

/** What a journal was given: each world with the time of its step. */
export type Seen = { readonly world: World; readonly atMs: number }[];

export interface Run {
  readonly planeEvents: PlaneEvents;
  readonly director: Director;
  readonly seen: Seen;
  readonly plane: ImagePlane;
  readonly events: EventLog;
}

/** The real journal, which also keeps what it is given. */
class WatchedJournal extends Journal {
  readonly #seen: Seen;

  constructor(seen: Seen, options: JournalOptions) {
    super(options);
    this.#seen = seen;
  }

  override took(input: Input, world: World, atMs: number): void {
    this.#seen.push({ world, atMs });
    super.took(input, world, atMs);
  }
}

/** Directors one after the other on one machine: its directory outlives them, and its text is their configuration. */
export class Machine {
  readonly #running: Director[] = [];
  readonly directory: string;
  text = '';

  constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Machine> {
    return new Machine(await mkdtemp(join(tmpdir(), 'culvert-director-')));
  }

  get stateFile(): string {
    return join(this.directory, 'eth0.json');
  }

  get appliedFile(): string {
    return join(this.directory, 'eth0.applied.json');
  }

  get journalFile(): string {
    return join(this.directory, 'eth0.journal');
  }

  async start(text: string, plane: ImagePlane = new ImagePlane(), host: HostFacts = HOST): Promise<Run> {
    this.text = text;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const events = new EventLog({ now: Date.now, log });
    const common = { events, now: Date.now, hostFacts: () => Promise.resolve(host) };
    const file = parseYaml(text, 'culvert.yaml');
    const applied = new FileAppliedStore(this.appliedFile);
    const seen: Seen = [];
    const planeEvents = new PlaneEvents(events);
    const director = await Director.start({
      ...common,
      journal: new WatchedJournal(seen, {
        file: new JournalFile(this.journalFile),
        report: (...event) => events.add(...event),
        now: Date.now,
      }),
      running: await RunningConfig.open({ ...common, file, store: applied }),
      configPath: 'culvert.yaml',
      loadConfig: (path) => new Promise((resolve) => resolve(parseYaml(this.text, path))),
      plane,
      planeEvents,
      store: new FileStateStore(this.stateFile),
    });
    this.#running.push(director);
    return { planeEvents, director, seen, plane, events };
  }

  async destroy(): Promise<void> {
    for (const director of this.#running) await director.close();
    await rm(this.directory, { recursive: true });
  }
}

export function eventTypes({ events }: Run): string[] {
  const types = events.after(0).map((event) => event.type);
  // Of the user that the tests run as, not of the test.
  return types.filter((type) => type !== 'command-as-root');
}
