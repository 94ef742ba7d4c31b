// The lab in a simulated network.
import { statusToWire } from '../../api/server/routes/to-wire.ts';
import type { LoadedConfig } from '../../config/load/loaded-config.ts';
import { parseYaml } from '../../config/load/parse-yaml.ts';
import type { WireStatus } from '../../contract/api/director-status.ts';
import type { DirectorEvent } from '../../contract/api/event.ts';
import { EventLoop } from '../../dataplane/simulated/network/event-loop.ts';
import { driveInRealTime } from '../../dataplane/simulated/network/real-time-driver.ts';
import { labTopology, type Topology } from '../../dataplane/simulated/network/simulated-topology.ts';
import { openSimulatedPlane } from '../../dataplane/simulated/open-simulated.ts';
import type { RealServer } from '../../dataplane/simulated/real-server.ts';
import { requestHttp } from '../../dataplane/simulated/transport/simulated-http-client.ts';
import type { AppliedStore } from '../../director/changes/applied-store.ts';
import { RunningConfig } from '../../director/changes/running-config.ts';
import { Director } from '../../director/director.ts';
import { EventLog } from '../../director/event-log.ts';
import { PlaneEvents } from '../../director/plane-events.ts';
import { EMPTY_STATE, type StateStore } from '../../director/state/state-store.ts';
import { formatIpv4, type Ipv4Address, ipv4, parseIpv4 } from '../../net/address/ipv4-address.ts';
import type { LabCapture, LabEnvironment, LabReal, RequestResult, UploadResult } from '../environment.ts';
import { LAB_PORT, LAB_VIP, labConfig } from '../lab-config.ts';

const REQUEST_TIMEOUT_MS = 2000;
const BETWEEN_REQUESTS_MS = 5;
/** The MSS that fits the tunnel on a link of 1500 bytes. */
const AUTOMATIC_MSS = 1440;

/** The state of a director that does not outlive its process. */
const NO_STORE: StateStore & AppliedStore = {
  load: async () => ({ state: EMPTY_STATE, applied: undefined, fault: undefined }),
  save: async () => undefined,
  remove: async () => undefined,
};

/** The lab in this process: the same director, the TypeScript forwarder, and simulated hosts around it. */
export class SimulatedLab implements LabEnvironment {
  readonly vip: Ipv4Address = ipv4(LAB_VIP);
  readonly reals: readonly LabReal[];
  readonly tryByHand: LabEnvironment['tryByHand'] = [];
  readonly #topology: Topology;
  readonly #director: Director;
  readonly #blackhole: { policy: 'cure' | 'refuse' };
  readonly #driver: Disposable;

  private constructor(parts: {
    readonly topology: Topology;
    readonly director: Director;
    readonly blackhole: { policy: 'cure' | 'refuse' };
    readonly driver: Disposable;
  }) {
    this.#topology = parts.topology;
    this.#director = parts.director;
    this.#blackhole = parts.blackhole;
    this.#driver = parts.driver;
    this.reals = parts.topology.reals.map(({ name, address }) => ({ name, address: formatIpv4(address) }));
  }

  static async open(): Promise<SimulatedLab> {
    const loop = new EventLoop();
    const topology = labTopology(loop);
    for (const real of topology.reals) real.clampMss = AUTOMATIC_MSS;
    const driver = driveInRealTime(loop);
    const blackhole: { policy: 'cure' | 'refuse' } = { policy: 'cure' };
    const director = await startDirector(topology, blackhole);
    return new SimulatedLab({ topology, director, blackhole, driver });
  }

  async status(): Promise<WireStatus> {
    return statusToWire(await this.#director.status());
  }

  async events(): Promise<readonly DirectorEvent[]> {
    return this.#director.events(0);
  }

  async setBlackhole(policy: 'cure' | 'refuse'): Promise<void> {
    this.#blackhole.policy = policy;
    await this.#director.reload();
  }

  async setClamp(mss: number | 'auto' | 'none'): Promise<void> {
    const clamp = mss === 'auto' ? AUTOMATIC_MSS : mss;
    for (const real of this.#topology.reals) real.clampMss = clamp === 'none' ? undefined : clamp;
  }

  async filterIcmp(on: boolean): Promise<void> {
    this.#topology.router.filtersIcmpErrors = on;
  }

  async forgetPathMtu(): Promise<void> {
    this.#topology.client.ip.forgetPathMtus();
  }

  async stopServer(real: LabReal): Promise<void> {
    this.#server(real).killHttp(LAB_PORT);
  }

  async startServer(real: LabReal): Promise<void> {
    this.#server(real).serveHttp(LAB_PORT);
  }

  request(listener: (result: RequestResult) => void, signal: AbortSignal): void {
    const { loop, client } = this.#topology;
    const next = async (): Promise<void> => {
      if (signal.aborted) return;
      const startedAt = Date.now();
      const target = { destination: this.vip, port: LAB_PORT, timeoutMs: REQUEST_TIMEOUT_MS };
      const result = await requestHttp(client, target);
      listener({
        startedAt,
        real: result.ok ? result.server : undefined,
        error: result.ok ? undefined : result.error,
      });
      loop.schedule(BETWEEN_REQUESTS_MS, () => void next());
    };
    void next();
  }

  async upload(bytes: number, timeoutMs: number): Promise<UploadResult> {
    const target = { destination: this.vip, port: LAB_PORT, uploadBytes: bytes, timeoutMs };
    const { ok, durationMs } = await requestHttp(this.#topology.client, target);
    return { completed: ok, durationMs };
  }

  async capture(): Promise<LabCapture> {
    const capture = this.#topology.capture();
    return { stop: async () => capture.stop() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#director.remove();
    this.#driver[Symbol.dispose]();
  }

  #server({ address }: LabReal): RealServer {
    const parsed = parseIpv4(address);
    const real = parsed === undefined ? undefined : this.#topology.real(parsed);
    if (real === undefined) throw new RangeError(`no real has the address ${address}`);
    return real;
  }
}

async function startDirector(
  topology: Topology,
  blackhole: { readonly policy: 'cure' | 'refuse' },
): Promise<Director> {
  const log = { info: ignore, warn: ignore, error: ignore };
  const events = new EventLog({ now: Date.now, log });
  const reals = topology.reals.map(({ address }) => formatIpv4(address));
  const names = { plane: 'simulated', instance: 'lab', directory: '/run/culvert' } as const;
  const loadConfig = async (path: string): Promise<LoadedConfig> =>
    parseYaml(labConfig({ ...names, blackhole: blackhole.policy, scheduler: 'mh', reals }), path);
  const configPath = 'the lab';
  const common = { events, now: Date.now, hostFacts: async () => ({ interfaces: [] }) };
  const file = await loadConfig(configPath);
  const planeEvents = new PlaneEvents(events);
  return Director.start({
    ...common,
    running: await RunningConfig.open({ ...common, file, store: NO_STORE }),
    configPath,
    loadConfig,
    planeEvents,
    plane: await openSimulatedPlane({ topology, onEvent: planeEvents.listener }),
    store: NO_STORE,
  });
}

/** The lab prints its own story; it reads events instead of logging them. */
function ignore(): void {
  return undefined;
}
