import { CulvertError } from '../errors.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import { formatIp } from '../net/ip-address.ts';
import type { RealSelector } from './control.ts';
import type { Model, ModelReal } from './model.ts';

/** The reals that a selector names, at least one. @throws CulvertError NOT_FOUND. */
export function selectReals(model: Model, { service, address }: RealSelector): readonly ModelReal[] {
  const name = service === undefined ? undefined : formatServiceName(service);
  const services = model.services.filter((candidate) => name === undefined || candidate.name === name);
  if (name !== undefined && services.length === 0) {
    throw new CulvertError('NOT_FOUND', `there is no service ${name}; 'culvert services' lists them`);
  }
  const reals = services.flatMap((candidate) =>
    candidate.reals.filter((real) => real.config.address === address),
  );
  if (reals.length === 0) {
    const place = name === undefined ? 'in any service' : `in ${name}`;
    throw new CulvertError(
      'NOT_FOUND',
      `there is no real ${formatIp(address)} ${place}; 'culvert reals' lists them`,
    );
  }
  return reals;
}
