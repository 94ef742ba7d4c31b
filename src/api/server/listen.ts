// The addresses at which the API listens: the control socket, and the configured ones over TCP.
import { lstat, mkdir, unlink } from 'node:fs/promises';
import type { Server as TlsServer } from 'node:https';
import { type AddressInfo, createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import type { ListenConfig } from '../../contract/config/listen-config.ts';
import { CulvertError } from '../../errors.ts';
import type { ApiOptions, ApiServer } from './api-server.ts';
import { type ConnectionLimits, limitConnections } from './connection-limits.ts';
import type { Listener } from './listener.ts';
import { buildApi } from './server.ts';
import { followTlsFiles, readTlsFiles, type TlsMaterial } from './tls-files.ts';
import { TokenFile } from './token-file.ts';

export interface ListenOptions extends Pick<ApiOptions, 'control' | 'version' | 'onDown'> {
  readonly socketPath: string;
  /** The TCP listeners; without any there is only the control socket. */
  readonly listeners?: readonly TcpListener[];
  readonly limits?: { readonly control: ConnectionLimits; readonly remote: ConnectionLimits } | undefined;
}

/** A TCP listener whose files have been read; it does not listen yet. */
export interface TcpListener {
  readonly setting: ListenSetting;
  readonly config: ListenConfig;
  readonly listener: Listener;
  readonly tls: TlsMaterial | undefined;
  readonly onFault: (message: string) => void;
}

type ListenSetting = 'listen' | 'metricsListen';

export interface RunningApi {
  /** `http://10.0.0.1:9090` of each TCP listener, in their order. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/** The umask with which the socket gets mode 0600: only root, or the director's user, may use it. */
const PRIVATE_UMASK = 0o177;
const PROBE_TIMEOUT_MS = 2_000;

/** The control socket of an instance. */
export function socketPathOf(config: { readonly runDirectory: string; readonly instance: string }): string {
  return join(config.runDirectory, `${config.instance}.sock`);
}

/**
 * Reads the token and the certificates of the TCP listeners, so that what is wrong with them is said before anything
 * else begins.
 * @throws CulvertError CONFIG_UNREADABLE, CONFIG_INVALID, PERMISSION
 */
export async function prepareListeners(
  config: Readonly<Record<ListenSetting, ListenConfig | undefined>>,
  onFault: (message: string) => void,
): Promise<TcpListener[]> {
  const prepared: TcpListener[] = [];
  for (const setting of ['listen', 'metricsListen'] as const) {
    const found = config[setting];
    if (found !== undefined) prepared.push(await prepare(setting, found, onFault));
  }
  return prepared;
}

async function prepare(
  setting: ListenSetting,
  config: ListenConfig,
  onFault: (message: string) => void,
): Promise<TcpListener> {
  const { address, names = [], tokenFile } = config;
  const report = (message: string): void => onFault(`director.${setting}: ${message}`);
  const tls = config.tls && (await readTlsFiles(config.tls));
  const token = tokenFile === undefined ? undefined : await TokenFile.open(tokenFile, report);
  const hasClientCertificates = config.tls?.clientCa !== undefined;
  const listener = { address, names, token, isTls: tls !== undefined, hasClientCertificates };
  return { setting, config, listener, tls, onFault: report };
}

/**
 * Makes way for a new control socket: what a dead process left is removed.
 * @throws CulvertError ALREADY_RUNNING while somebody answers there.
 */
export async function claimSocket(path: string): Promise<void> {
  await makeRunDirectory(dirname(path));
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new CulvertError('ALREADY_RUNNING', 'exists but is not a socket; fix: remove it', { where: path });
  }
  if (await answers(path)) {
    throw new CulvertError(
      'ALREADY_RUNNING',
      'a director already answers here; fix: stop it first, or give this one its own `director.instance`',
      { where: path },
    );
  }
  await unlink(path);
}

/** Serves the API on the Unix socket, and over TCP where the configuration asks for it. */
export async function listenApi({
  socketPath,
  listeners = [],
  limits,
  ...options
}: ListenOptions): Promise<RunningApi> {
  await claimSocket(socketPath);
  await using opening = new AsyncDisposableStack();
  const keep = (server: ApiServer, limit?: ConnectionLimits): ApiServer => {
    if (limit !== undefined) limitConnections(server.server, limit);
    return opening.adopt(server, (own) => own.close());
  };
  await listenUnix(keep(await buildApi(options), limits?.control), socketPath);
  const urls: string[] = [];
  for (const tcp of listeners) {
    const { listener, tls, setting } = tcp;
    const routes = setting === 'metricsListen' ? 'metrics' : 'all';
    const server = keep(await buildApi({ ...options, listener, tls, routes }), limits?.remote);
    urls.push(await listenTcp(server, tcp));
    opening.use(followCertificates(server, tcp));
  }
  const opened = opening.move();
  return { urls, close: () => opened.disposeAsync() };
}

async function makeRunDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new CulvertError(
      'PERMISSION',
      `the directory of the control socket cannot be created (${messageOf(error)}); fix: run as root, or set \`director.runDirectory\``,
      { where: path, cause: error },
    );
  }
}

async function listenUnix(server: ApiServer, path: string): Promise<void> {
  await server.ready();
  const former = process.umask(PRIVATE_UMASK);
  try {
    await server.listen({ path });
  } finally {
    process.umask(former);
  }
}

async function listenTcp(server: ApiServer, { config, setting }: TcpListener): Promise<string> {
  const { address, port, tls } = config;
  try {
    await server.listen({ host: address, port });
    return `${tls === undefined ? 'http' : 'https'}://${endpointOf(server.server.address() as AddressInfo)}`;
  } catch (error) {
    throw new CulvertError(
      'INTERFACE',
      `the API cannot listen there (${messageOf(error)}); fix: change \`director.${setting}\``,
      { where: endpointOf({ address, port }), cause: error },
    );
  }
}

function endpointOf({ address, port }: Pick<AddressInfo, 'address' | 'port'>): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function followCertificates({ server }: ApiServer, { config, tls, onFault }: TcpListener): Disposable {
  if (config.tls === undefined || tls === undefined) return { [Symbol.dispose]: () => undefined };
  const secure = server as unknown as TlsServer;
  const changed = (material: TlsMaterial): void => secure.setSecureContext(material);
  return followTlsFiles(config.tls, tls, { changed, onFault });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    const settle = (live: boolean): void => {
      socket.destroy();
      resolve(live);
    };
    // A process that is too busy to accept is alive: only the kernel's refusal says that nobody listens.
    socket.setTimeout(PROBE_TIMEOUT_MS, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') settle(false);
      else reject(new CulvertError('PERMISSION', messageOf(error), { where: path, cause: error }));
    });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
