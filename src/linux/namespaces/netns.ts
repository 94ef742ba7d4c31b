// Makes, lists, connects and deletes named network namespaces.
import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { CulvertError } from '../../errors.ts';
import { errnoOf } from '../errno.ts';
import { changeLink, findLink } from '../netlink/devices/link.ts';
import { createVeth, type VethEnd } from '../netlink/devices/veth.ts';
import { NetlinkSocket } from '../netlink/socket.ts';
import { NAMESPACE_DIRECTORY } from './namespace-thread.ts';

const execute = promisify(execFile);

/** Makes a named network namespace, its loopback up. @throws CulvertError KERNEL with what `ip` says. */
export function createNamespace(name: string): void {
  ip(['netns', 'add', name]);
  using socket = new NetlinkSocket(name);
  const loopback = findLink(socket, 'lo');
  if (loopback !== undefined) changeLink(socket, loopback.index, { up: true });
}

/** Deletes a namespace, if it exists. Its devices vanish as soon as no process is left inside. */
export function deleteNamespace(name: string): void {
  if (listNamespaces().includes(name)) ip(['netns', 'delete', name]);
}

export function listNamespaces(): string[] {
  try {
    return readdirSync(NAMESPACE_DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** An end of a cable between two namespaces. */
export interface CableEnd extends Omit<VethEnd, 'namespaceFd'> {
  readonly namespace: string;
}

/** Makes a veth pair, each end in its namespace, both up. */
export function connectNamespaces(near: CableEnd, far: CableEnd): void {
  const farFd = openSync(`${NAMESPACE_DIRECTORY}/${far.namespace}`, 'r');
  try {
    using socket = new NetlinkSocket(near.namespace);
    createVeth(socket, near, { ...far, namespaceFd: farFd });
  } finally {
    closeSync(farFd);
  }
  for (const end of [near, far]) {
    using socket = new NetlinkSocket(end.namespace);
    const link = findLink(socket, end.name);
    if (link !== undefined) changeLink(socket, link.index, { up: true });
  }
}

/** Starts a process inside a namespace. Not by `ip netns exec`: that remounts /sys, and bpffs would be gone. */
export function spawnInNamespace(
  name: string,
  command: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  return spawn('nsenter', [`--net=${NAMESPACE_DIRECTORY}/${name}`, ...command], options);
}

/** Runs a command inside a namespace to its end; its standard output. @throws Error with its standard error. */
export async function runInNamespace(
  name: string,
  command: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const { stdout } = await execute('nsenter', [`--net=${NAMESPACE_DIRECTORY}/${name}`, ...command], {
    ...(signal === undefined ? {} : { signal }),
    maxBuffer: 1 << 24,
  });
  return stdout;
}

function ip(parameters: readonly string[]): void {
  try {
    execFileSync('ip', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    const text = (cause as { stderr?: Buffer }).stderr?.toString().trim();
    throw new CulvertError('KERNEL', `ip ${parameters.join(' ')}: ${text ?? String(cause)}`, { cause });
  }
}
