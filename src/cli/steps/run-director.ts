// Runs a director from its configuration file until it is asked to end.
import { resolve } from 'node:path';
import {
  claimSocket,
  type ListenOptions,
  listenApi,
  prepareListeners,
  type RunningApi,
  socketPathOf,
} from '../../api/server/listen.ts';
import { readHostFacts } from '../../config/host/host-facts.ts';
import { loadConfig } from '../../config/load/load-config.ts';
import type { LoadedConfig } from '../../config/load/loaded-config.ts';
import type { DirectorConfig } from '../../contract/config/director-contract.ts';
import { type DescriptorPlan, planDescriptors, requireRoomForCheck } from '../../descriptor-plan.ts';
import { FileAppliedStore } from '../../director/changes/applied-store.ts';
import { RunningConfig } from '../../director/changes/running-config.ts';
import { Director, type DirectorOptions } from '../../director/director.ts';
import { EventLog, type Log } from '../../director/event-log.ts';
import { Journal } from '../../director/journal/journal.ts';
import { JournalFile } from '../../director/journal/journal-file.ts';
import { PlaneEvents } from '../../director/plane-events.ts';
import { FileStateStore } from '../../director/state/file-state-store.ts';
import { holdSpareDescriptors } from '../../spare-descriptors.ts';
import type { Context } from '../command-context.ts';
import { openLog } from '../log.ts';
import { type ConfigOptions, loadOptions } from '../options/config-options.ts';
import { localNaming, type Naming, stateFile } from '../options/local-naming.ts';
import { version } from '../version.ts';
import { openPlane } from './open-plane.ts';
import { surviveShortages } from './survive-shortages.ts';

/** The configuration file and how to read it, also at each reload. */
export interface ConfigSource {
  readonly path: string;
  readonly options: ConfigOptions;
}

interface Stop {
  /** Resolves when the process is to end; whether forwarding has been taken down by then. */
  readonly requested: Promise<'stop' | 'down'>;
  readonly down: () => void;
}

/** Runs a director until it is asked to end. Forwarding continues afterwards, except after `down`. */
export async function runDirector({ path, options }: ConfigSource, context: Context): Promise<void> {
  const descriptors = planDescriptors();
  using held = new DisposableStack();
  held.use(holdSpareDescriptors());
  const log = await openLog(context);
  const load = (file: string, previous?: LoadedConfig): Promise<LoadedConfig> =>
    loadConfig(file, { ...loadOptions(options, (warning) => log.warn(warning)), previous });
  const file = await load(path);
  const { config } = file;
  if (config.director.plane === 'xdp') {
    const { requireCapabilities } = await import('../../linux/process/capabilities.ts');
    requireCapabilities('the xdp data plane');
  }
  const naming = await findNaming(config.director, log);
  const socketPath = socketPathOf(naming);
  await claimSocket(socketPath);
  using stop = listenForStop(context);
  const events = new EventLog({ now: Date.now, log });
  held.use(surviveShortages(events));
  // Runs before the plane is opened: faults of the configuration are reported at their place in the file.
  const running = await RunningConfig.open({
    file,
    store: new FileAppliedStore(stateFile(naming, 'applied.json')),
    events,
    now: Date.now,
    hostFacts: readHostFacts,
  });
  const listeners = await prepareListeners(running.loaded.config.director, (message) =>
    events.add('error', 'api-listener', message),
  );
  const director = await startDirector({
    running,
    naming,
    configPath: resolve(path),
    loadConfig: load,
    events,
    requireRoom: () => requireRoomForCheck(descriptors),
  });
  let api: RunningApi | undefined;
  let end: 'stop' | 'down' = 'stop';
  const reload = (): void => {
    // Its failure is an event already.
    director.reload().catch(() => undefined);
  };
  try {
    api = await listenApi({
      control: director,
      version: version(),
      onDown: stop.down,
      socketPath,
      listeners,
      limits: connectionLimits(descriptors, events),
    });
    context.signals?.on('SIGHUP', reload);
    log.info(`ready: control socket ${socketPath}${api.urls.map((url) => `, API at ${url}`).join('')}`);
    end = await stop.requested;
  } finally {
    context.signals?.off('SIGHUP', reload);
    await api?.close();
    if (end === 'stop') await director.close();
  }
  log.info(
    end === 'down'
      ? 'ended; everything is removed'
      : 'ended; forwarding continues if the data plane outlives the process',
  );
}

interface StartOptions
  extends Pick<DirectorOptions, 'running' | 'configPath' | 'loadConfig' | 'events' | 'requireRoom'> {
  readonly naming: Naming;
}

async function startDirector(options: StartOptions): Promise<Director> {
  const { running, events } = options;
  const { director } = running.loaded.config;
  const planeEvents = new PlaneEvents(events);
  const plane = await openPlane(director, planeEvents.listener);
  try {
    const store = new FileStateStore(stateFile(options.naming, 'json'));
    const journal = new Journal({
      file: new JournalFile(stateFile(options.naming, 'journal')),
      report: (...event) => events.add(...event),
      now: Date.now,
    });
    return await Director.start({
      ...options,
      journal,
      plane,
      planeEvents,
      now: Date.now,
      store,
      hostFacts: readHostFacts,
    });
  } catch (error) {
    await plane.close();
    throw error;
  }
}

function connectionLimits(
  { control, remote, remotePerClient }: DescriptorPlan,
  events: EventLog,
): ListenOptions['limits'] {
  const refusedAt = (what: string) => (reason: string) =>
    events.add('warning', 'connections-refused', `${what} closes new connections at once: ${reason}`);
  return {
    control: { connections: control, onRefused: refusedAt('the control socket') },
    remote: {
      connections: remote,
      perClient: remotePerClient,
      onRefused: refusedAt('a TCP listener of the API'),
    },
  };
}

/** Finds the director's name in this network namespace, and takes up the state that it had under the name of an earlier boot. */
async function findNaming(director: DirectorConfig, log: Pick<Log, 'warn'>): Promise<Naming> {
  const naming = await localNaming(director);
  const { instance } = director;
  const { instance: localInstance, stateDirectory } = naming;
  if (localInstance === instance) return naming;
  log.warn(sharedName(instance, localInstance));
  const { takeUpOrphans } = await import('../../director/state/orphaned-state.ts');
  const { bootTimeMs } = await import('../../linux/clock.ts');
  await takeUpOrphans({ stateDirectory, instance, localInstance, bootedMs: Date.now() - bootTimeMs() });
  return naming;
}

function sharedName(instance: string, name: string): string {
  return (
    `a director in another network namespace uses the name '${instance}': this one uses '${name}' for its pins, state and ` +
    `control socket until the next reboot. fix: give this one its own \`director.instance\``
  );
}

function listenForStop({ signals }: Context): Stop & Disposable {
  const { promise: requested, resolve: request } = Promise.withResolvers<'stop' | 'down'>();
  const stop = (): void => request('stop');
  signals?.on('SIGTERM', stop);
  signals?.on('SIGINT', stop);
  return {
    requested,
    down: (): void => request('down'),
    [Symbol.dispose]() {
      signals?.off('SIGTERM', stop);
      signals?.off('SIGINT', stop);
    },
  };
}
