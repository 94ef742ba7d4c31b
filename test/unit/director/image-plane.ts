import type { CheckTarget } from '../../../src/dataplane/check-connector.ts';
import type {
  DataPlane,
  FlowFilter,
  FlowRecord,
  KnownFlow,
  LearnSummary,
  PlaneCounters,
} from '../../../src/dataplane/data-plane.ts';
import { imageCounters } from '../../../src/dataplane/image-counters.ts';
import { imageFlows } from '../../../src/dataplane/image-flows.ts';
import { learnFlows } from '../../../src/dataplane/learn-flows.ts';
import type { Explanation } from '../../../src/forwarding/decision.ts';
import type { ForwardingTable, Service } from '../../../src/forwarding/forwarding-table.ts';
import type { ApplySummary } from '../../../src/forwarding/image/change/apply-run.ts';
import { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory, type ImageMemory } from '../../../src/forwarding/image/tables/memory.ts';
import { formatServiceName } from '../../../src/forwarding/service-name.ts';
import { formatIp } from '../../../src/net/address/ip-address.ts';
import { TcpOnlyConnector } from '../health/tcp-only-connector.ts';

/** A plane that forwards nothing: a real image in plain memory, which outlives the plane as pinned maps do. */
export class ImagePlane implements DataPlane {
  readonly kind = 'simulated' as const;
  readonly description = 'image in memory';
  readonly connector: ScriptedConnector = new ScriptedConnector();
  readonly image: ForwardingImage;
  readonly tables: ForwardingTable[] = [];
  readonly summaries: ApplySummary[] = [];
  /** What `useInterfaces` was told, each time. */
  readonly interfaces: (readonly string[])[] = [];
  /** When set, `apply` waits for it. */
  gate: Promise<void> | undefined;
  /** When set, `apply` throws it and changes nothing. */
  refusal: Error | undefined;
  readonly drift: string[] = [];
  ended: 'closed' | 'removed' | undefined;
  busy = 0;

  readonly memory: ImageMemory;

  constructor(memory: ImageMemory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 8 })) {
    this.memory = memory;
    this.image = new ForwardingImage(memory);
  }

  async apply(table: ForwardingTable): Promise<ApplySummary> {
    this.busy++;
    if (this.busy > 1) throw new Error('two applies at a time');
    try {
      await this.gate;
      if (this.refusal !== undefined) throw this.refusal;
      this.tables.push(table);
      const summary = this.image.apply(table, 0);
      this.summaries.push(summary);
      return summary;
    } finally {
      this.busy--;
    }
  }

  async useInterfaces(names: readonly string[]): Promise<void> {
    this.interfaces.push(names);
  }

  mendDrift(): void {
    this.drift.push(...this.image.mendDrift());
  }

  services(): readonly Service[] {
    return this.image.services();
  }

  keyInUse(): Uint8Array | undefined {
    return this.image.keyInUse();
  }

  /** `tcp 192.0.2.10:80 10.0.3.2 w100`, a trailing `-` for a real that does not serve. */
  forwarding(): string[] {
    return this.services()
      .flatMap((service) =>
        service.reals.map(({ address, weight, serving }) => {
          const name = `${formatServiceName(service)} ${formatIp(address)}`;
          return `${name} w${weight}${serving ? '' : ' -'}`;
        }),
      )
      .sort();
  }

  counters(): Promise<PlaneCounters> {
    const services = imageCounters(this.image, (real) => this.image.slowCounters(real));
    return Promise.resolve({ services, reasons: {}, handedOver: 0, overBudget: 0 });
  }

  flows(filter?: FlowFilter): AsyncIterable<FlowRecord> {
    return imageFlows(this.image, 0, filter);
  }

  learn(flows: Iterable<KnownFlow>): LearnSummary {
    return learnFlows(this.image, flows, 0);
  }

  explain(): Explanation {
    return { decision: { verdict: 'pass', reason: 'not-ours' }, real: undefined, sentences: [] };
  }

  close(): Promise<void> {
    this.ended = 'closed';
    return Promise.resolve();
  }

  remove(): Promise<void> {
    this.ended = 'removed';
    return Promise.resolve();
  }
}

/** Answers checks at once: those of the addresses in `broken` are refused. */
class ScriptedConnector extends TcpOnlyConnector {
  readonly broken: Set<string> = new Set();
  readonly attempts: string[] = [];

  constructor() {
    super((target) => this.#attempt(target));
  }

  async #attempt(target: CheckTarget): Promise<void> {
    const address = formatIp(target.via === 'tunnel' ? target.real : target.address);
    this.attempts.push(`${target.via} ${address}:${target.port}`);
    if (this.broken.has(address)) throw new Error('connection refused');
  }
}
