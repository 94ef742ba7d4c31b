// Readers of the values of options and arguments.
import { parseServiceName } from '../../contract/api/service-text.ts';
import { parseDuration } from '../../contract/values/duration.ts';
import { parseIp } from '../../net/address/ip-address.ts';
import { parseIpNetwork } from '../../net/address/ip-network.ts';

/** Commander's error of this name, known to it by its code: so that reading a value does not need the parser. */
export class InvalidArgumentError extends Error {
  readonly code = 'commander.invalidArgument';
}

/** Readers of option values: each returns the value, or throws what commander turns into a usage error. */
export function addressArgument(text: string): string {
  if (parseIp(text) === undefined)
    throw new InvalidArgumentError('It must be an IP address, such as 10.0.3.2.');
  return text;
}

export function serviceArgument(text: string): string {
  if (parseServiceName(text) === undefined) {
    throw new InvalidArgumentError('It must name a service, such as tcp:192.0.2.10:80.');
  }
  return text;
}

export function networkArgument(text: string): string {
  if (parseIpNetwork(text) !== undefined) return text;
  throw new InvalidArgumentError('It must be an IP address or network, such as 198.51.100.0/24.');
}

export function durationArgument(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('It must be a time, such as 15s or 2m.');
  return milliseconds;
}

/** A whole number of this range, decimal or with 0x. */
export function numberArgument(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^(?:\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
