import type { DirectorEvent } from '../../../src/contract/api/event.ts';
import type { FlowFilter, FlowRecord } from '../../../src/dataplane/data-plane.ts';
import type { ConfigDiff } from '../../../src/director/changes/config-diff.ts';
import type {
  ApplyOptions,
  ApplySummary,
  DirectorControl,
  DirectorStatus,
  RealSelector,
  RealStatus,
  RunningDocument,
} from '../../../src/director/control.ts';
import { TrafficBook } from '../../../src/director/status/traffic-book.ts';
import { CulvertError } from '../../../src/errors.ts';
import type { ServiceKey } from '../../../src/forwarding/forwarding-table.ts';
import { formatServiceName } from '../../../src/forwarding/service-name.ts';
import { formatIp, type IpAddress, ip, networkOf } from '../../../src/net/address/ip-address.ts';

export const WEB: ServiceKey = { vip: ip('192.0.2.10'), protocol: 'tcp', port: 80 };
export const DNS: ServiceKey = { vip: ip('192.0.2.10'), protocol: 'udp', port: 53 };

type RealChange = Partial<Omit<RealStatus, 'service' | 'address'>>;

const NO_CHANGES = {
  servicesAdded: 0,
  servicesChanged: 0,
  servicesRemoved: 0,
  realsAdded: 0,
  realsChanged: 0,
  realsRemoved: 0,
  applyMs: 1.25,
  restartNeeded: [],
} as const;

const PLAIN = {
  morePorts: [],
  schedulerFlags: [],
  hashOn: 'flow',
  onePacket: false,
  persistence: undefined,
  tunnel: { type: 'ipip' },
  quorum: { state: 'up', weight: 100, quorum: 1, hysteresis: 0 },
  sorryServer: undefined,
} as const;

const KNOWN = { flowsKnown: true, flowsKnownInMs: undefined } as const;

const LIMITED = {
  tunnel: { type: 'gre', checksum: 'none' },
  upperThreshold: 5000,
  lowerThreshold: 4000,
  activeFlows: 1234,
  inactiveFlows: 56,
  persistentClients: 7,
} as const;

/**
 * A director in a fixed state, with one real up, one down and one drained: what the API and the CLI make of such a state
 * is under test, which no running director shows on demand. The director itself is run in run.test.ts.
 */
export class ControlDouble implements DirectorControl {
  readonly calls: string[] = [];
  readonly flowRecords: FlowRecord[] = [
    {
      service: WEB,
      client: ip('198.51.100.2'),
      clientPort: 40_000,
      real: ip('10.0.1.2'),
      state: 'ESTABLISHED',
      idleMs: 1200,
      leftMs: 898_800,
    },
    {
      service: DNS,
      client: ip('198.51.100.77'),
      clientPort: 5353,
      real: ip('10.0.2.2'),
      state: 'UDP',
      idleMs: 61_000,
      leftMs: 239_000,
    },
  ];
  reloadError: CulvertError | undefined;
  readonly #startedMs: number;
  readonly #events: DirectorEvent[] = [];
  readonly #listeners = new Set<(event: DirectorEvent) => void>();

  constructor(nowMs: number = Date.now()) {
    this.#startedMs = nowMs;
    this.emit('info', 'start', 'director started');
    this.emit('warning', 'real-down', 'real 10.0.2.2 of tcp 192.0.2.10:80 is down: connection refused');
  }

  emit(level: DirectorEvent['level'], type: DirectorEvent['type'], message: string): void {
    const event = {
      sequence: this.#events.length + 1,
      time: '2026-01-02T03:04:05.000Z',
      level,
      type,
      message,
    };
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  async status(): Promise<DirectorStatus> {
    const traffic = {
      connections: 1,
      packets: 10,
      bytes: 1000,
      activeFlows: 0,
      inactiveFlows: 0,
      ...KNOWN,
      persistentClients: 0,
    };
    return {
      instance: 'eth0',
      interface: 'eth0',
      plane: 'xdp, native mode on eth0',
      configPath: '/etc/culvert/culvert.yaml',
      pid: 4711,
      startedAt: new Date(this.#startedMs - 3_600_000).toISOString(),
      services: [
        { ...PLAIN, key: WEB, scheduler: 'mh', reals: this.#reals(WEB) },
        {
          ...PLAIN,
          key: DNS,
          morePorts: [853, 5353],
          scheduler: 'sh',
          schedulerFlags: ['sh-port'],
          persistence: { timeoutMs: 300_000, prefixLength: 24 },
          tunnel: { type: 'gue', port: 6080, checksum: 'remote' },
          quorum: { state: 'lost', weight: 100, quorum: 150, hysteresis: 10 },
          sorryServer: {
            address: ip('10.0.9.9'),
            weight: 100,
            tunnel: undefined,
            inhibit: false,
            serving: true,
            activeFlows: 4,
            inactiveFlows: 5,
            ...KNOWN,
            persistentClients: 6,
          },
          reals: [this.#real(DNS, '10.0.1.2', { ...LIMITED, effectiveWeight: 0, serving: false })],
        },
      ],
      accounts: new TrafficBook().accounts,
      shortages: [],
      unmadeAttempts: 0,
      sync: [],
      counters: {
        services: [
          {
            key: WEB,
            connections: 1234,
            packets: 1_234_567,
            bytes: 987_654_321,
            slots: 4096,
            trackedSlots: 17,
            reals: [
              {
                address: ip('10.0.1.2'),
                connections: 1200,
                packets: 1_234_000,
                bytes: 987_000_000,
                activeFlows: 3,
                inactiveFlows: 2,
                ...KNOWN,
                persistentClients: 1,
              },
              { ...traffic, address: ip('10.0.2.2') },
              { ...traffic, address: ip('10.0.3.2') },
            ],
          },
          {
            key: DNS,
            connections: 0,
            packets: 0,
            bytes: 0,
            slots: 1,
            trackedSlots: 0,
            reals: [{ ...traffic, address: ip('10.0.1.2') }],
          },
        ],
        reasons: { 'too-big': 12, 'no-flow': 3400 },
        handedOver: 3500,
        overBudget: 7,
      },
    };
  }

  async reload(): Promise<Awaited<ReturnType<DirectorControl['reload']>>> {
    this.calls.push('reload');
    if (this.reloadError !== undefined) throw this.reloadError;
    return { ...NO_CHANGES, servicesAdded: 1, servicesRemoved: 2 };
  }

  config(): RunningDocument {
    return {
      config: { director: { plane: 'simulated' }, services: [] },
      revision: 'r1',
      source: 'file',
      confirmBefore: undefined,
    };
  }

  async apply(document: unknown, options: ApplyOptions = {}): Promise<ApplySummary> {
    this.calls.push(`apply ${JSON.stringify(document)} ${JSON.stringify(options)}`);
    if (options.revision === 'old') throw new CulvertError('CONFLICT', 'it has changed meanwhile');
    const confirmBefore = options.confirmMs === undefined ? undefined : '2026-01-02T03:05:05.000Z';
    return { ...NO_CHANGES, realsAdded: 1, revision: 'r2', confirmBefore };
  }

  async confirm(): Promise<RunningDocument> {
    this.calls.push('confirm');
    return { ...this.config(), source: 'applied' };
  }

  async revert(): Promise<ApplySummary> {
    throw new CulvertError('CONFLICT', 'nothing waits to be confirmed');
  }

  async diffYaml(text: string): Promise<ConfigDiff | undefined> {
    this.calls.push(`diffYaml ${text}`);
    return undefined;
  }

  async diff(document: unknown): Promise<ConfigDiff> {
    this.calls.push(`diff ${JSON.stringify(document)}`);
    const settings = [{ setting: 'weight', from: '100', to: '50' }];
    const reals = [{ address: ip('10.0.1.2'), change: 'changed', settings }] as const;
    return { director: [], services: [{ key: WEB, change: 'changed', settings: [], reals }] };
  }

  setWeight(selector: RealSelector, weight: number): Promise<readonly RealStatus[]> {
    return this.#change(`weight ${weight}`, selector, { override: weight, effectiveWeight: weight });
  }

  clearWeight(selector: RealSelector): Promise<readonly RealStatus[]> {
    return this.#change('clear', selector, {});
  }

  drain(selector: RealSelector): Promise<readonly RealStatus[]> {
    return this.#change('drain', selector, { drained: true, effectiveWeight: 0 });
  }

  undrain(selector: RealSelector): Promise<readonly RealStatus[]> {
    return this.#change('undrain', selector, {});
  }

  async *flows(filter: FlowFilter): AsyncIterable<FlowRecord> {
    for (const flow of this.flowRecords) {
      const { service, real, client, prefixLength = 32, state } = filter;
      if (service !== undefined && service.port !== flow.service.port) continue;
      if (real !== undefined && real !== flow.real) continue;
      if (client !== undefined && !isIn(flow.client, client, prefixLength)) continue;
      if (state !== undefined && state !== flow.state) continue;
      yield flow;
    }
  }

  events(afterSequence: number): readonly DirectorEvent[] {
    return this.#events.filter((event) => event.sequence > afterSequence);
  }

  subscribe(listener: (event: DirectorEvent) => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener('abort', () => this.#listeners.delete(listener));
  }

  async zeroCounters(service?: ServiceKey): Promise<void> {
    this.calls.push(`zero ${service === undefined ? 'all' : formatServiceName(service)}`);
  }

  explain(packet: Uint8Array): ReturnType<DirectorControl['explain']> {
    this.calls.push(`explain ${Buffer.from(packet).toString('hex')}`);
    return {
      decision: { verdict: 'forward', real: 1, packets: [packet] },
      real: ip('10.0.1.2'),
      sentences: ['It is for tcp 192.0.2.10:80.', 'The ring names 10.0.1.2.'],
    };
  }

  async remove(): Promise<void> {
    this.calls.push('remove');
  }

  async #change(call: string, selector: RealSelector, change: RealChange): Promise<readonly RealStatus[]> {
    const where = selector.service === undefined ? '' : ` of port ${selector.service.port}`;
    this.calls.push(`${call} ${formatIp(selector.address)}${where}`);
    const known = this.#reals(WEB).find((real) => real.address === selector.address);
    if (known === undefined) {
      throw new CulvertError('NOT_FOUND', `no service has a real ${formatIp(selector.address)}`);
    }
    return [{ ...this.#real(WEB, formatIp(selector.address)), ...change }];
  }

  #reals(service: ServiceKey): RealStatus[] {
    const failed = {
      state: 'down',
      since: this.#ago(5),
      lastError: 'connection refused',
      failures: 4,
    } as const;
    const last = { lastMs: 1.37, lastAnswer: failed.lastError };
    const down = { ...failed, checks: [{ ...failed, ...last, type: 'http' }], weight: undefined } as const;
    return [
      this.#real(service, '10.0.1.2'),
      this.#real(service, '10.0.2.2', { effectiveWeight: 0, serving: false, health: down }),
      this.#real(service, '10.0.3.2', { effectiveWeight: 0, drained: true }),
    ];
  }

  #real(service: ServiceKey, address: string, change: RealChange = {}): RealStatus {
    return {
      service,
      address: ip(address),
      configuredWeight: 100,
      override: undefined,
      drained: false,
      effectiveWeight: 100,
      serving: true,
      inhibitOnFailure: false,
      tunnel: undefined,
      upperThreshold: 0,
      lowerThreshold: 0,
      activeFlows: 3,
      inactiveFlows: 2,
      ...KNOWN,
      persistentClients: 0,
      health: {
        state: 'up',
        since: this.#ago(125),
        lastError: undefined,
        failures: 0,
        checks: [
          {
            type: 'tcp',
            state: 'up',
            since: this.#ago(125),
            lastError: undefined,
            failures: 0,
            lastMs: 0.42,
            lastAnswer: 'connected',
          },
        ],
        weight: undefined,
      },
      ...change,
    };
  }

  #ago(seconds: number): string {
    return new Date(this.#startedMs - seconds * 1000).toISOString();
  }
}

function isIn(address: IpAddress | undefined, network: IpAddress, prefixLength: number): boolean {
  return address !== undefined && networkOf(address, prefixLength) === network;
}
