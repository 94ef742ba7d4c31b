// Opens the data plane that a configuration names, and loads only that one.
import type { DirectorConfig } from '../../contract/config/director-contract.ts';
import type { DataPlane, PlaneEventListener } from '../../dataplane/data-plane.ts';

/** Opens the plane that the configuration names. Loaded only then: the simulated one needs no foreign function. */
export async function openPlane(config: DirectorConfig, onEvent: PlaneEventListener): Promise<DataPlane> {
  if (config.plane === 'simulated') {
    const { openSimulatedPlane } = await import('../../dataplane/simulated/open-simulated.ts');
    return openSimulatedPlane({ capacity: config.capacity, onEvent });
  }
  const { openXdpPlane } = await import('../../dataplane/xdp/open-xdp.ts');
  const { interfaces, instance, capacity } = config;
  return openXdpPlane({ interfaces, instance, capacity, onEvent });
}
