// Opens the lab on the plane that is asked for, or on one that this machine can do.
import { CulvertError } from '../errors.ts';
import type { LabEnvironment } from './environment.ts';
import type { LabOptions } from './lab-options.ts';
import { NamespaceLab } from './namespaces/namespace-lab.ts';
import { topologyObstacle } from './namespaces/topology.ts';
import { SimulatedLab } from './simulated/simulated-lab.ts';

/** Opens the lab on the plane asked for. Without one, and where this machine cannot do XDP, uses the simulated plane and says why. */
export async function openLabEnvironment(options: LabOptions): Promise<LabEnvironment> {
  const { plane, decapsulation, stderr } = options;
  const obstacle = plane === 'simulated' ? undefined : topologyObstacle();
  if (plane === 'xdp' && obstacle !== undefined) {
    throw new CulvertError(
      'LAB',
      `the lab cannot use the xdp plane on this machine: ${obstacle}. fix: remove the obstacle, or use --plane simulated`,
    );
  }
  if (plane === 'simulated' || obstacle !== undefined) {
    if (obstacle !== undefined) stderr.write(`culvert: using the simulated plane: ${obstacle}\n`);
    return SimulatedLab.open();
  }
  return NamespaceLab.open(undefined, { decapsulation });
}
