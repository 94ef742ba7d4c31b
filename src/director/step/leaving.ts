// The commands at the end of forwarding.
import { quorumTask, realTask, type Task } from '../world/command-tasks.ts';
import { liveState } from '../world/live-weight.ts';
import type { ServiceWorld, World } from '../world/world.ts';

/** Returns the commands that run when forwarding ends, for what was up, where they are configured (`omega`). */
export function commandsAtEnd(world: World): readonly Task[] {
  const ending = world.services.filter(({ service }) => service.config.omega);
  const reals = ending.flatMap(({ reals: all }) => all).filter((real) => liveState(real, world).up);
  const tasks = reals.map((one) => {
    const { weight } = liveState(one, world);
    return realTask(one.real, { up: false, weight, reason: 'forwarding ends' });
  });
  return [...tasks, ...leavingTasks(ending)].filter((task) => task !== undefined);
}

/** Returns the commands of services that had their quorum and are no longer forwarded. */
export function leavingTasks(services: readonly ServiceWorld[]): readonly (Task | undefined)[] {
  return services
    .filter(({ quorum }) => quorum === 'up')
    .map(({ service }) => quorumTask(service, { up: false, weight: 0 }));
}
