import { readFileSync } from 'node:fs';
import type { LearntNames } from '../../../src/cli/steps/machine-names.ts';
import { ServiceNames } from '../../../src/ipvsadm/print/host-names.ts';
import { HOSTS } from '../../golden/ipvsadm/golden.ts';

const SERVICES = new ServiceNames(readFileSync('/etc/services', 'utf8'));
const BY_ADDRESS: Readonly<Record<string, string>> = { ...HOSTS, '127.0.0.1': 'localhost' };

/** The names that a guest has while it is recorded. */
export const GOLDEN_NAMES: LearntNames = {
  addressOf: (host) =>
    Object.keys(BY_ADDRESS).find(
      (address) => !address.includes(':') && BY_ADDRESS[address] === host.toLowerCase(),
    ),
  hostOf: (address) => BY_ADDRESS[address],
  portOf: (service, protocol) => SERVICES.portOf(service, protocol),
  serviceOf: (port, protocol) => SERVICES.serviceOf(port, protocol),
  learnWanted: () => Promise.resolve(false),
  learnHosts: () => Promise.resolve(),
};
