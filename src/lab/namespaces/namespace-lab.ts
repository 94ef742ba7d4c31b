// The lab in network namespaces.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../../api/client/client.ts';
import type { WireStatus } from '../../contract/api/director-status.ts';
import type { DirectorEvent } from '../../contract/api/event.ts';
import type { Tunnel } from '../../forwarding/forwarding-table.ts';
import { runInNamespace } from '../../linux/namespaces/netns.ts';
import { formatEndpoint, formatIp, type IpAddress, type IpFamily, ip } from '../../net/address/ip-address.ts';
import type { RealServerOptions } from '../../realserver/options.ts';
import type { LabCapture, LabEnvironment, LabReal, RequestResult, UploadResult } from '../environment.ts';
import { LAB_PORT, LAB_VIPS, type LabConfig, labConfig } from '../lab-config.ts';
import { HeldConnections } from './held-connections.ts';
import { captureLab } from './lab-capture.ts';
import { Program } from './lab-program.ts';
import { HOST_INTERFACE, type HostName, REAL_NAMES, Topology } from './topology.ts';

const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));

type Decapsulation = RealServerOptions['decapsulation'];

export interface NamespaceLabOptions {
  readonly decapsulation?: Decapsulation;
  /** Ports of the VIP that the reals serve beside LAB_PORT. */
  readonly morePorts?: readonly number[];
  /** Address family of the VIP; 4 unless given. */
  readonly vipFamily?: IpFamily;
  /** Address family of the reals, and so of the tunnels to them; 4 unless given. */
  readonly realFamily?: IpFamily;
  /** IPIP unless given. */
  readonly tunnel?: Tunnel;
  /** The number of reals that are set up, up to three; three unless given. */
  readonly realCount?: number;
  /** The director is reached by a VLAN, and reaches the reals by it. */
  readonly vlan?: boolean;
}

export interface RequestOptions {
  /** The VIP unless given. */
  readonly address?: IpAddress;
  /** LAB_PORT unless given. */
  readonly port?: number;
  /** The time from an answer to the next request. */
  readonly intervalMs?: number;
}

/** The lab in network namespaces: real programs, the real kernel, the XDP data plane. */
export class NamespaceLab implements LabEnvironment {
  readonly vip: IpAddress;
  readonly reals: readonly LabReal[];
  readonly tryByHand: LabEnvironment['tryByHand'];
  readonly url: string;
  readonly topology: Topology;
  readonly #directory: string;
  readonly #decapsulation: Decapsulation;
  readonly #ports: readonly number[];
  readonly #realFamily: IpFamily;
  readonly #tunnel: Tunnel;
  readonly #api: ApiClient;
  readonly #servers = new Map<string, Program>();
  readonly #cleanUp = new AsyncDisposableStack();
  #director: Program | undefined;

  private constructor(topology: Topology, directory: string, options: NamespaceLabOptions) {
    this.topology = topology;
    this.#directory = directory;
    this.#decapsulation = options.decapsulation ?? 'auto';
    this.#ports = [LAB_PORT, ...(options.morePorts ?? [])];
    this.vip = ip(LAB_VIPS[options.vipFamily ?? 4]);
    this.url = `http://${formatEndpoint(this.vip, LAB_PORT)}/`;
    this.#realFamily = options.realFamily ?? 4;
    this.#tunnel = options.tunnel ?? { type: 'ipip' };
    this.#api = new ApiClient(join(directory, `${this.instance}.sock`));
    this.reals = REAL_NAMES.slice(0, options.realCount).map((name) => ({
      name,
      address: topology.addressOf(name, this.#realFamily),
    }));
    const inClient = `nsenter --net=/run/netns/${topology.namespaceOf('client')}`;
    this.tryByHand = [
      ['a request', `${inClient} curl ${this.url}`],
      ['the director', `./culvert reals --socket ${join(directory, `${this.instance}.sock`)}`],
    ];
    this.#cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
    this.#cleanUp.use(topology);
  }

  /** Builds the namespaces, sets the reals up and starts the director. If that fails nothing is left behind. */
  static async open(id = `${process.pid}`, options: NamespaceLabOptions = {}): Promise<NamespaceLab> {
    const { vipFamily = 4, realFamily = 4, vlan = false } = options;
    const topology = await Topology.build(id, { ipv6: vipFamily === 6 || realFamily === 6, vlan });
    const directory = await mkdtemp(join(tmpdir(), 'culvert-lab-'));
    const lab = new NamespaceLab(topology, directory, options);
    try {
      await Promise.all(lab.reals.map((real) => lab.#openReal(real)));
      await lab.writeConfig({});
      lab.#cleanUp.defer(() => lab.#closeDirector());
      await lab.startDirector();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  get instance(): string {
    return `lab-${this.topology.id}`;
  }

  get directorPid(): number {
    return this.#director?.pid ?? 0;
  }

  /** The instance name of a real's own set-up. */
  realInstance(name: string): string {
    return `${this.instance}-${name}`;
  }

  get configPath(): string {
    return join(this.#directory, 'culvert.yaml');
  }

  /** Writes the configuration file; what is left out is as usual in the lab. It takes effect with a reload. */
  async writeConfig(
    change: Partial<Pick<LabConfig, 'blackhole' | 'reals' | 'scheduler' | 'keys' | 'more'>>,
  ): Promise<void> {
    const reals = this.reals.map(({ address }) => address);
    const where = { vip: formatIp(this.vip), tunnel: this.#tunnel };
    const usual = { plane: 'xdp', blackhole: 'cure', scheduler: 'mh', reals, ...where } as const;
    const text = labConfig({ instance: this.instance, directory: this.#directory, ...usual, ...change });
    await writeFile(this.configPath, text);
  }

  /** Starts `culvert run`; resolves when it answers. */
  async startDirector(): Promise<void> {
    const command = [CULVERT, 'run', '-c', this.configPath];
    this.#director = new Program(this.topology.namespaceOf('director'), command);
    await this.#director.waitFor(/ready/);
  }

  /** Ends the director's process, as `kill -9` does by default; what it pinned goes on forwarding. */
  async killDirector(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#director?.stop(signal);
  }

  /** Runs a culvert command in a host's namespace; its standard output. */
  culvert(host: HostName, ...parameters: readonly string[]): Promise<string> {
    return runInNamespace(this.topology.namespaceOf(host), [CULVERT, ...parameters]);
  }

  status(): Promise<WireStatus> {
    return this.#api.status();
  }

  events(): Promise<readonly DirectorEvent[]> {
    return this.#api.events();
  }

  get api(): ApiClient {
    return this.#api;
  }

  async setBlackhole(policy: 'cure' | 'refuse'): Promise<void> {
    await this.writeConfig({ blackhole: policy });
    await this.#api.reload();
  }

  async setClamp(mss: number | 'auto' | 'none'): Promise<void> {
    await Promise.all(this.reals.map((real) => this.setUpReal(real, mss)));
  }

  async filterIcmp(on: boolean): Promise<void> {
    const rules = on
      ? 'add table inet lab; add chain inet lab forward { type filter hook forward priority 0; }; add rule inet lab forward iifname "director" icmp type { destination-unreachable, time-exceeded } drop'
      : 'delete table inet lab';
    await runInNamespace(this.topology.namespaceOf('router'), ['nft', rules]);
  }

  async forgetPathMtu(): Promise<void> {
    await runInNamespace(this.topology.namespaceOf('client'), ['ip', 'route', 'flush', 'cache']);
  }

  async stopServer(real: LabReal): Promise<void> {
    await this.#servers.get(real.name)?.stop('SIGKILL');
  }

  async startServer(real: LabReal): Promise<void> {
    const ports = this.#ports.flatMap((port) => ['--port', `${port}`]);
    const listen = ['--listen', formatIp(this.vip), '--listen', real.address, ...ports];
    const server = this.#program(this.#hostOf(real), 'http-real.ts', ['--name', real.name, ...listen]);
    this.#servers.set(real.name, server);
    await server.waitFor(/listening on/);
  }

  /** Makes one GET by curl in the client's namespace, and returns the body. */
  curl(url: string): Promise<string> {
    return runInNamespace(this.topology.namespaceOf('client'), ['curl', '-s', '--max-time', '5', url]);
  }

  async setUpReal(real: LabReal, mss: number | 'auto' | 'none'): Promise<void> {
    const where = ['--vip', formatIp(this.vip), '--interface', HOST_INTERFACE, ...this.#tunnelParameters()];
    const how = ['--decapsulation', this.#decapsulation, '--mss', `${mss}`];
    const director = ['--director', this.topology.addressOf('director', this.#realFamily)];
    const options = [...where, ...how, ...director, ...this.#naming(real)];
    await this.culvert(this.#hostOf(real), 'realserver', 'setup', ...options);
  }

  async tearDownReal(real: LabReal): Promise<void> {
    await this.culvert(this.#hostOf(real), 'realserver', 'teardown', ...this.#naming(real));
  }

  request(
    listener: (result: RequestResult) => void,
    signal: AbortSignal,
    { address = this.vip, port = LAB_PORT, intervalMs = 5 }: RequestOptions = {},
  ): void {
    const url = `http://${formatEndpoint(address, port)}/`;
    const client = this.#program('client', 'request.ts', ['--url', url, '--interval-ms', `${intervalMs}`]);
    this.#cleanUp.use(client);
    client.onLine((line) => {
      if (line.startsWith('{')) listener(JSON.parse(line) as RequestResult);
    });
    signal.addEventListener('abort', () => void client.stop('SIGKILL'), { once: true });
  }

  async upload(bytes: number, timeoutMs: number): Promise<UploadResult> {
    const sizes = ['--bytes', `${bytes}`, '--timeout-ms', `${timeoutMs}`];
    await using upload = this.#program('client', 'upload.ts', ['--url', this.url, ...sizes]);
    return JSON.parse(await upload.waitFor(/^\{/)) as UploadResult;
  }

  /** Requests per second that the client gets on so many kept-alive connections. */
  async load(url: string, connections: number, seconds: number): Promise<number> {
    const how = ['--connections', `${connections}`, '--seconds', `${seconds}`];
    await using load = this.#program('client', 'load.ts', ['--url', url, ...how]);
    const { perSecond } = JSON.parse(await load.waitFor(/^\{/, 1000 * seconds + 10_000)) as {
      perSecond: number;
    };
    return perSecond;
  }

  /** Opens so many connections from the client, which sends requests on each until they are finished. */
  async holdConnections(connections: number, port: number = LAB_PORT): Promise<HeldConnections> {
    const holder = this.#program('client', 'keep-alive.ts', [
      '--url',
      this.#urlOf(port),
      '--connections',
      `${connections}`,
    ]);
    this.#cleanUp.use(holder);
    return HeldConnections.open(holder);
  }

  /** The id of the XDP program on the director's interface. */
  async directorProgramId(): Promise<number> {
    const show = ['ip', '-json', 'link', 'show', 'dev', HOST_INTERFACE];
    const [link] = JSON.parse(await runInNamespace(this.topology.namespaceOf('director'), show)) as [
      { readonly xdp?: { readonly prog?: { readonly id?: number } } },
    ];
    return link.xdp?.prog?.id ?? 0;
  }

  capture(): Promise<LabCapture> {
    return captureLab(this.topology, this.#directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp.disposeAsync();
  }

  async #openReal(real: LabReal): Promise<void> {
    this.#cleanUp.defer(() => this.#closeReal(real));
    await this.setUpReal(real, 'auto');
    await this.startServer(real);
  }

  async #closeReal(real: LabReal): Promise<void> {
    await this.#servers.get(real.name)?.stop('SIGKILL');
    await this.tearDownReal(real);
  }

  #urlOf(port: number): string {
    return `http://${formatEndpoint(this.vip, port)}/`;
  }

  #tunnelParameters(): string[] {
    const { type, ...details } = this.#tunnel;
    const parameters = Object.entries(details).flatMap(([key, value]) => [`--tunnel-${key}`, `${value}`]);
    return ['--tunnel', type, ...parameters];
  }

  #naming(real: LabReal): string[] {
    return ['--instance', this.realInstance(real.name), '--state-directory', this.#directory];
  }

  async #closeDirector(): Promise<void> {
    await this.#director?.stop();
    await this.culvert('director', 'down', '-c', this.configPath);
  }

  #hostOf(real: LabReal): HostName {
    const host = REAL_NAMES.find((name) => name === real.name);
    if (host === undefined) throw new RangeError(`no real of that name: ${real.name}`);
    return host;
  }

  #program(host: HostName, file: string, parameters: readonly string[]): Program {
    const path = fileURLToPath(new URL(`../programs/${file}`, import.meta.url));
    return new Program(this.topology.namespaceOf(host), [process.execPath, path, ...parameters]);
  }
}
