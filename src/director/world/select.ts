// Finds the services and real servers that a request names.
import { CulvertError } from '../../errors.ts';
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import type { RealSelector } from '../control.ts';
import type { Model, ModelReal, ModelService } from './model.ts';

/** The service of this name, or all when none is named. @throws CulvertError NOT_FOUND. */
export function selectServices(model: Model, service?: ServiceKey): readonly ModelService[] {
  if (service === undefined) return model.services;
  const name = formatServiceName(service);
  const found = model.services.filter((candidate) => candidate.name === name);
  if (found.length > 0) return found;
  throw new CulvertError('NOT_FOUND', `there is no service ${name}; 'culvert services' lists them`);
}

/** The reals that a selector names, at least one. @throws CulvertError NOT_FOUND. */
export function selectReals(model: Model, { service, address }: RealSelector): readonly ModelReal[] {
  const services = selectServices(model, service);
  const reals = services.flatMap((candidate) =>
    candidate.reals.filter((real) => real.config.address === address),
  );
  if (reals.length === 0) {
    const place = service === undefined ? 'in any service' : `in ${formatServiceName(service)}`;
    throw new CulvertError(
      'NOT_FOUND',
      `there is no real ${formatIp(address)} ${place}; 'culvert reals' lists them`,
    );
  }
  return reals;
}
