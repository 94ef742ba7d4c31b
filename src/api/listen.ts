import { lstat, mkdir, unlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { CulvertError } from '../errors.ts';
import { type ApiOptions, type ApiServer, buildApi } from './server.ts';

export interface ListenOptions extends ApiOptions {
  readonly socketPath: string;
  readonly tcp: { readonly address: string; readonly port: number } | undefined;
}

export interface RunningApi {
  /** `http://10.0.0.1:9090`; undefined where no TCP address is configured. */
  readonly url: string | undefined;
  close(): Promise<void>;
}

/** Only root (or whoever runs the director) may speak to it: the socket is born with mode 0600. */
const PRIVATE_UMASK = 0o177;
const PROBE_TIMEOUT_MS = 2_000;

/** The control socket of an instance. */
export function socketPathOf(config: { readonly runDirectory: string; readonly instance: string }): string {
  return join(config.runDirectory, `${config.instance}.sock`);
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
    throw new CulvertError('ALREADY_RUNNING', 'is in the way and no socket; remove it', { where: path });
  }
  if (await answers(path)) {
    throw new CulvertError(
      'ALREADY_RUNNING',
      'a director answers here already; stop it first, or give this one its own `director.instance`',
      { where: path },
    );
  }
  await unlink(path);
}

/** Serves the API on the Unix socket, and over TCP where an address is given. */
export async function listenApi(options: ListenOptions): Promise<RunningApi> {
  await claimSocket(options.socketPath);
  const servers: ApiServer[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
  };
  try {
    servers.push(await listenUnix(options));
    const url = options.tcp === undefined ? undefined : await listenTcp(options, options.tcp, servers);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeRunDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new CulvertError(
      'PERMISSION',
      `the directory of the control socket cannot be made (${messageOf(error)}); try as root, or set \`director.runDirectory\``,
      { where: path, cause: error },
    );
  }
}

async function listenUnix(options: ListenOptions): Promise<ApiServer> {
  const server = await buildApi(options);
  await server.ready();
  const former = process.umask(PRIVATE_UMASK);
  try {
    await server.listen({ path: options.socketPath });
  } finally {
    process.umask(former);
  }
  return server;
}

async function listenTcp(
  options: ApiOptions,
  tcp: { readonly address: string; readonly port: number },
  servers: ApiServer[],
): Promise<string> {
  const server = await buildApi({ ...options, isRemote: true });
  servers.push(server);
  try {
    return await server.listen({ host: tcp.address, port: tcp.port });
  } catch (error) {
    throw new CulvertError(
      'INTERFACE',
      `the API cannot be served there (${messageOf(error)}); change \`director.listen\``,
      { where: `${tcp.address}:${tcp.port}`, cause: error },
    );
  }
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
