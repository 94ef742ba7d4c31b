import { CulvertError } from '../errors.ts';
import type { LabEnvironment } from './environment.ts';
import type { LabOptions } from './lab.ts';
import { NamespaceLab } from './namespaces/namespace-lab.ts';
import { topologyObstacle } from './namespaces/topology.ts';
import { SimulatedLab } from './simulated/simulated-lab.ts';

/** The lab on the plane asked for; where none was and this machine cannot do XDP, the simulated one, said in one line. */
export async function openLabEnvironment(options: LabOptions): Promise<LabEnvironment> {
  const { plane, decapsulation, stderr } = options;
  const obstacle = plane === 'simulated' ? undefined : topologyObstacle();
  if (plane === 'xdp' && obstacle !== undefined) {
    throw new CulvertError(
      'LAB',
      `the lab cannot use the xdp plane here: ${obstacle}; see it with --plane simulated`,
    );
  }
  if (plane === 'simulated' || obstacle !== undefined) {
    if (obstacle !== undefined) stderr.write(`culvert: the simulated plane is used: ${obstacle}\n`);
    return SimulatedLab.open();
  }
  return NamespaceLab.open(undefined, { decapsulation });
}
