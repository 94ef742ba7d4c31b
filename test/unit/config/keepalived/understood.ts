import type { CheckConfig } from '../../../../src/contract/checks/check-config.ts';
import type { CulvertConfig } from '../../../../src/contract/config/config.ts';
import type { RealConfig } from '../../../../src/contract/config/real-contract.ts';
import type { ServiceConfig } from '../../../../src/contract/config/service-contract.ts';
import type { Tunnel } from '../../../../src/forwarding/forwarding-table.ts';
import { formatIp, parseIp } from '../../../../src/net/address/ip-address.ts';

/** What a file means, as texts: a service for each address, port and protocol. Not the hysteresis, of which culvert makes less. */
export type Understood = Readonly<Record<string, UnderstoodService>>;

interface UnderstoodService {
  readonly settings: string;
  /** By their addresses. */
  readonly reals: Readonly<Record<string, string>>;
  /** Of all reals, sorted. */
  readonly checks: readonly string[];
}

interface OpenService {
  settings: string;
  readonly reals: Record<string, string>;
  readonly checks: string[];
}

type Block = readonly string[];

/** keepalived's, out of what it logs with `--dump-conf`. */
export function understoodByKeepalived(log: readonly string[]): Understood {
  const services: Record<string, OpenService> = {};
  const groups = new Map<string, string[]>();
  const names = new Map<string, readonly string[]>();
  for (const block of blocksOf(log)) {
    const group = field(block, 'Virtual Server Group');
    if (group !== undefined) groups.set(group.replace(/, IPv4.*/, ''), block.flatMap(endpointsOf));
  }
  let keys: readonly string[] = [];
  for (const block of blocksOf(log)) {
    if (block[0]?.includes('< Virtual server >')) {
      const protocol = field(block, 'protocol')?.toLowerCase() ?? '';
      const group = field(block, 'VS GROUP');
      const endpoints =
        group === undefined
          ? block.flatMap(endpointsOf)
          : (groups.get(group.slice(1, group.indexOf(']'))) ?? []);
      keys = endpoints.map((endpoint) => `${endpoint} ${protocol}`);
      for (const key of keys) services[key] ??= { settings: settingsOf(block), reals: {}, checks: [] };
      const [address = '', port = ''] = endpoints[0]?.split(' ') ?? [];
      const name = group ?? `[${address}]:${protocol}:${port}`;
      names.set(name, keys);
    } else if (block[0]?.includes('< Real server >'))
      for (const key of keys) {
        const [, address = ''] = /RIP = ([^,]+)/.exec(block.join('\n')) ?? [];
        const { reals = {} } = services[key] ?? {};
        reals[plainAddress(address)] ??= realOf(block);
      }
  }
  for (const [name, check] of checksOf(log))
    for (const key of names.get(name) ?? []) services[key]?.checks.push(check);
  for (const { checks } of Object.values(services)) checks.sort();
  return services;
}

function* blocksOf(log: readonly string[]): Generator<Block> {
  let block: string[] = [];
  for (const line of log) {
    if (line.includes('------<')) {
      yield block;
      block = [];
    }
    block.push(line);
  }
  yield block;
}

function field(block: Block, name: string): string | undefined {
  const line = block.find((candidate) => candidate.trim().startsWith(`${name} = `));
  return line?.slice(line.indexOf(' = ') + 3);
}

function plainAddress(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}

/** `VS VIP = ...` of a virtual server, `VIP = ...` and `VIP Range = ...` of a group. */
function endpointsOf(line: string): string[] {
  const [, from = '', to = from, port = ''] =
    /^ +(?:VS )?VIP(?: Range)? = ([^-,]+)(?:-([^,]+))?, VPORT = (\d+)/.exec(line) ?? [];
  const [first, last] = [parseIp(from), parseIp(to)];
  if (first === undefined || last === undefined) return [];
  const count = Number(BigInt(last) - BigInt(first)) + 1;
  return Array.from({ length: count }, (_, index) => {
    const address = typeof first === 'bigint' ? first + BigInt(index) : first + index;
    return `${formatIp(address as typeof first)} ${port}`;
  });
}

function settingsOf(block: Block): string {
  const persistence = field(block, 'persistence timeout') ?? '0';
  const [quorum] = field(block, 'quorum')?.split(',') ?? [];
  return `${field(block, 'lvs_sched')} persistence ${persistence} quorum ${quorum}`;
}

function realOf(block: Block): string {
  const [, weight] = /WEIGHT = (-?\d+) EFF/.exec(block.join('\n')) ?? [];
  const [, method = ''] = /forwarding method = TUN, type = (\w+)/.exec(block.join('\n')) ?? [];
  const [, limits = ''] = /connection limit range = (.*)/.exec(block.join('\n')) ?? [];
  const inhibits = block.some((line) => line.includes('Inhibit on failure is ON'));
  return `weight ${weight} ${method.toLowerCase()} limits ${limits} inhibit ${inhibits}`;
}

/** Of checks that are attempts, each with the name of its virtual server. */
function* checksOf(log: readonly string[]): Generator<[name: string, check: string]> {
  const text = log.slice(log.findIndex((line) => line.includes('< Health checkers >'))).join('\n');
  for (const part of text.split(/\n(?= \[\S+ -> )/)) {
    const value = (pattern: RegExp): string => pattern.exec(part)?.[1] ?? '';
    const type = value(/Keepalive method = (\w+)/);
    if (type === '' || type === 'FILE_CHECK' || type === 'BFD_CHECK') continue;
    const retries = value(/Retries = (\d+)/);
    const [interval, delay] = [value(/Delay loop = (\d+) us/), value(/Delay before retry = (\d+) us/)];
    const timeout = value(/Timeout = ([\d.]+)/);
    const check = {
      type: TYPES[type] ?? type,
      interval: milliseconds(Number(interval)),
      retries: Number(retries),
      ...(Number(retries) > 0 ? { delay: milliseconds(Number(delay)) } : {}),
      ...(timeout === '' ? {} : { timeout: milliseconds(Number(timeout) * 1_000_000) }),
      alpha: /Alpha = yes/.test(part),
    };
    yield [value(/^ (\[\S+) -> /), JSON.stringify(check)];
  }
}

const TYPES: Readonly<Record<string, string>> = {
  TCP_CHECK: 'tcp',
  HTTP_GET: 'http',
  SSL_GET: 'https',
  SMTP_CHECK: 'smtp',
  DNS_CHECK: 'dns',
  UDP_CHECK: 'udp',
  PING_CHECK: 'ping',
  MISC_CHECK: 'misc',
};

/** As culvert rounds. */
function milliseconds(microseconds: number): number {
  return Math.max(microseconds > 0 ? 1 : 0, Math.round(microseconds / 1000));
}

/** culvert's. */
export function understoodByCulvert({ services }: CulvertConfig): Understood {
  return Object.fromEntries(services.map((service) => [keyOf(service), serviceOf(service)]));
}

function keyOf({ vip, protocol, port }: ServiceConfig): string {
  return `${formatIp(vip)} ${port} ${protocol}`;
}

function serviceOf(service: ServiceConfig): UnderstoodService {
  const { scheduler, persistence, quorum, reals, tunnel } = service;
  const seconds = (persistence?.timeoutMs ?? 0) / 1000;
  return {
    settings: `${scheduler} persistence ${seconds} quorum ${quorum}`,
    reals: Object.fromEntries(reals.map((real) => [formatIp(real.address), culvertsReal(real, tunnel)])),
    checks: reals.flatMap(({ checks }) => checks.filter(isAttempt).map(culvertsCheck)).sort(),
  };
}

function culvertsReal({ weight, tunnel, ...real }: RealConfig, common: Tunnel): string {
  const { type } = tunnel ?? common;
  const limits = `${real.lowerThreshold} -> ${real.upperThreshold}`;
  return `weight ${weight} ${type} limits ${limits} inhibit ${real.inhibitOnFailure}`;
}

function isAttempt({ probe }: CheckConfig): boolean {
  return probe.type !== 'file' && probe.type !== 'bfd';
}

function culvertsCheck({ probe, intervalMs, retries, retryDelayMs, timeoutMs, alpha }: CheckConfig): string {
  return JSON.stringify({
    type: probe.type,
    interval: intervalMs,
    retries,
    ...(retries > 0 ? { delay: retryDelayMs } : {}),
    ...(probe.type === 'misc' ? {} : { timeout: timeoutMs }),
    alpha,
  });
}
