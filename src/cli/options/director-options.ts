// The options that select a running director, and how its control socket is found.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ApiClient } from '../../api/client/client.ts';
import { CulvertError } from '../../errors.ts';
import { namespaceInode } from '../../linux/namespaces/namespace-inode.ts';
import type { Context } from '../command-context.ts';

export interface DirectorOptions {
  readonly instance?: string;
  readonly socket?: string;
}

const RUN_DIRECTORY = '/run/culvert';
const SOCKET_ENDING = '.sock';

/** The options that select the director a command talks to. */
export const DIRECTOR_OPTIONS = [
  { flags: '--instance <name>', description: 'the name of the director (needed when several run)' },
  { flags: '--socket <path>', description: 'the control socket of the director (default: $CULVERT_SOCKET)' },
] as const;

export function directorOptions(command: Command): Command {
  for (const { flags, description } of DIRECTOR_OPTIONS) command.option(flags, description);
  return command;
}

export async function connect(options: DirectorOptions, context: Pick<Context, 'env'>): Promise<ApiClient> {
  return new ApiClient(findSocket(options, context));
}

/**
 * The control socket that the options, or else the environment, name; else the only one there is.
 * @throws CulvertError NOT_RUNNING when there is none, USAGE when there are several.
 */
export function findSocket(options: DirectorOptions, { env }: Pick<Context, 'env'>): string {
  if (options.socket !== undefined) return options.socket;
  const directory = env['CULVERT_RUN_DIRECTORY'] ?? RUN_DIRECTORY;
  if (options.instance !== undefined)
    return join(directory, socketOf(options.instance, listSockets(directory)));
  const named = env['CULVERT_SOCKET'];
  if (named !== undefined && named !== '') return named;
  const found = nearestSockets(listSockets(directory));
  if (found.length > 1) {
    const names = found.map((file) => file.slice(0, -SOCKET_ENDING.length)).join(', ');
    throw new CulvertError(
      'USAGE',
      `several directors are running: ${names}. fix: choose one with --instance`,
    );
  }
  if (found[0] === undefined) {
    throw new CulvertError(
      'NOT_RUNNING',
      'no director is running. fix: start one with `culvert run -c FILE`, or name its socket with --socket',
      { where: directory },
    );
  }
  return join(directory, found[0]);
}

/**
 * Returns the socket of an instance: that of the director in this network namespace, if it has one of its own (see
 * docs/reference/cli.md).
 */
function socketOf(instance: string, sockets: readonly string[]): string {
  const own = `${instance}@${namespaceInode()}${SOCKET_ENDING}`;
  return sockets.includes(own) ? own : instance + SOCKET_ENDING;
}

/** Returns one socket for each instance: this namespace's own, otherwise the one of the plain name. */
function nearestSockets(sockets: readonly string[]): string[] {
  const nearest = sockets.map((file) => {
    const socket = socketOf(file.replace(/(@\d+)?\.sock$/, ''), sockets);
    return sockets.includes(socket) ? socket : file;
  });
  return [...new Set(nearest)];
}

function listSockets(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith(SOCKET_ENDING))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CulvertError('PERMISSION', 'cannot be read. fix: run as root', {
      where: directory,
      cause: error,
    });
  }
}
