// `culvert down`: ends forwarding and removes everything.
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { ApiClient } from '../../../api/client/client.ts';
import { socketPathOf } from '../../../api/server/listen.ts';
import { CulvertError } from '../../../errors.ts';
import { type Context, examples, print, printJson } from '../../command-context.ts';
import { type ConfigOptions, configOptions, loadOptions, warnOn } from '../../options/config-options.ts';
import { type DirectorOptions, directorOptions, findSocket } from '../../options/director-options.ts';
import { localInstance, localNaming, STATE_ENDINGS, stateFile } from '../../options/local-naming.ts';

interface DownOptions extends DirectorOptions, ConfigOptions {
  readonly config?: string;
  readonly json?: true;
}

interface Target {
  readonly instance: string;
  readonly socketPath: string;
  /** Files of the saved state; empty when only the instance is known. */
  readonly statePaths: readonly string[];
  readonly plane: 'xdp' | 'simulated';
}

type Outcome = 'ended by its director' | 'removed what a dead director left' | 'nothing was there';

export function register(program: Command, context: Context): void {
  const command = configOptions(directorOptions(program.command('down')))
    .description(
      'End forwarding and remove everything: program, maps, state and socket. Also works when the daemon is dead; ' +
        'then name its configuration file or its instance.',
    )
    .option('-c, --config <file>', "the director's configuration file")
    .option('--json', 'print JSON');
  examples(
    command,
    'culvert down',
    'culvert down -c /etc/culvert/culvert.yaml',
    'culvert down --instance eth0',
  ).action(async (options: DownOptions) => {
    const target = await findTarget(options, context).catch(unlessNothing(options));
    if (target === undefined) {
      if (options.json) printJson(context, { instance: null, outcome: 'nothing was there' });
      else print(context, 'no director is running, and there is nothing to remove\n');
      return;
    }
    const outcome = await takeDown(target);
    if (options.json) printJson(context, { instance: target.instance, outcome });
    else print(context, `${target.instance}: ${outcome}\n`);
  });
}

/** A second `culvert down` finds what it is to leave: nothing. */
function unlessNothing({ config, instance, socket }: DownOptions): (error: unknown) => undefined {
  return (error) => {
    const isNamed = [config, instance, socket].some((name) => name !== undefined);
    if (!isNamed && error instanceof CulvertError && error.code === 'NOT_RUNNING') return undefined;
    throw error;
  };
}

async function findTarget(options: DownOptions, context: Context): Promise<Target> {
  if (options.config !== undefined) {
    const { loadConfig } = await import('../../../config/load/load-config.ts');
    const { config } = await loadConfig(options.config, loadOptions(options, warnOn(context)));
    const { instance, plane } = config.director;
    const naming = await localNaming(config.director);
    return {
      instance,
      plane,
      socketPath: socketPathOf(naming),
      statePaths: STATE_ENDINGS.map((ending) => stateFile(naming, ending)),
    };
  }
  const found = findSocket(options, context);
  const instance = options.instance ?? basename(found, '.sock').replace(/@\d+$/, '');
  // A director of another network namespace is not this command's to end, unless its socket is named.
  const isNamed = options.socket !== undefined || found === context.env['CULVERT_SOCKET'];
  const socketPath = isNamed ? found : join(dirname(found), `${await localInstance(instance)}.sock`);
  return { instance, socketPath, statePaths: [], plane: 'xdp' };
}

async function takeDown(target: Target): Promise<Outcome> {
  try {
    await new ApiClient(target.socketPath).down();
    return 'ended by its director';
  } catch (error) {
    if (!(error instanceof CulvertError) || error.code !== 'NOT_RUNNING') throw error;
  }
  const removed = target.plane === 'xdp' && (await removePlane(target.instance));
  for (const path of target.statePaths) await rm(path, { force: true });
  await rm(target.socketPath, { force: true });
  return removed ? 'removed what a dead director left' : 'nothing was there';
}

async function removePlane(instance: string): Promise<boolean> {
  const { requireCapabilities, XDP_CAPABILITIES } = await import('../../../linux/process/capabilities.ts');
  requireCapabilities('removing the data plane', XDP_CAPABILITIES);
  const { removeLeftovers } = await import('../../../dataplane/xdp/pins/remove-plane.ts');
  return removeLeftovers(instance);
}
