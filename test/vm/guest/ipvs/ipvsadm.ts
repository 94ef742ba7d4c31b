import type { Change, GoldenReal, GoldenService, Scenario } from '../../../golden/ipvs/golden.ts';

const PROTOCOL_OPTIONS = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const;

/** What `ipvsadm -R` reads, to set a scenario's service up. */
export function setUpRules({ service, reals }: Pick<Scenario, 'service' | 'reals'>): string[] {
  return [
    `-A ${serviceAddress(service)} ${serviceOptions(service)}`,
    ...reals.map((real) => realRule('-a', service, real)),
  ];
}

/** The same with all of it taken away, real by real. */
export function tearDownRules(service: GoldenService, reals: readonly GoldenReal[]): string[] {
  return [
    ...reals.map((real) => `-d ${serviceAddress(service)} -r ${realAddress(service, real.address)}`),
    `-D ${serviceAddress(service)}`,
  ];
}

export function changeRule(change: Change, service: GoldenService, reals: readonly GoldenReal[]): string {
  if ('edit' in change) return realRule('-e', service, change.edit);
  if ('add' in change) return realRule('-a', service, change.add);
  const removed = reals.find(({ name }) => name === change.remove);
  if (removed === undefined) throw new Error(`no real named ${change.remove}`);
  return `-d ${serviceAddress(service)} -r ${realAddress(service, removed.address)}`;
}

function serviceAddress({ protocol, vip, port, mark }: GoldenService): string {
  if (mark !== undefined) return `-f ${mark}${vip.includes(':') ? ' -6' : ''}`;
  return `${PROTOCOL_OPTIONS[protocol]} ${bracketed(vip)}:${port}`;
}

function serviceOptions({ scheduler, flags, persistence, onePacket }: GoldenService): string {
  const options = [`-s ${scheduler}`];
  if (flags !== undefined) options.push(`-b ${flags.join(',')}`);
  if (persistence !== undefined) options.push(`-p ${persistence.timeoutSeconds}`);
  if (persistence?.netmask !== undefined) options.push(`-M ${persistence.netmask}`);
  if (onePacket === true) options.push('-o');
  return options.join(' ');
}

function realRule(action: '-a' | '-e', service: GoldenService, real: GoldenReal): string {
  const { address, weight, upper = 0, lower = 0, tunnel } = real;
  const rule = [
    `${action} ${serviceAddress(service)} -r ${realAddress(service, address)} -i -w ${weight} -x ${upper} -y ${lower}`,
  ];
  if (tunnel !== undefined) rule.push(`--tun-type ${tunnel.type}`);
  if (tunnel?.port !== undefined) rule.push(`--tun-port ${tunnel.port}`);
  if (tunnel?.checksum !== undefined) rule.push(`--tun-${tunnel.checksum}`);
  return rule.join(' ');
}

/** The port means nothing for a mark, but ipvsadm wants one behind a bracket. */
function realAddress({ port, mark }: GoldenService, address: string): string {
  return mark === undefined || address.includes(':') ? `${bracketed(address)}:${port}` : address;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
