import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { LoadedConfig } from '../../../src/config/load/loaded-config.ts';
import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import type { ServiceConfig } from '../../../src/contract/config/service-contract.ts';
import { startedWorld, step } from '../../../src/director/step/step.ts';
import { CulvertError } from '../../../src/errors.ts';
import { SCHEDULER_NAMES } from '../../../src/forwarding/scheduler-names.ts';
import type { CommandConfig } from '../../../src/linux/process/command-config.ts';
import { isIpv4 } from '../../../src/net/address/ip-address.ts';

/** Mostly sound values of every option, so that mixtures of them come up that are accepted and that are not. */
function mostly<Value>(sound: readonly Value[], unsound: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: 15, arbitrary: fc.constantFrom(...sound) },
    { weight: 1, arbitrary: fc.constantFrom(...unsound) },
  );
}

const tunnel = mostly<unknown>(
  ['ipip', 'gre', { type: 'gue', port: 6080 }, { type: 'gue', port: 1, checksum: 'remote' }],
  ['gue', { type: 'gue' }, { type: 'gre', port: 1 }, { type: 'gre', checksum: 'remote' }, { type: 'vxlan' }],
);
const command = mostly<unknown>(
  ['none', { command: ['a', 'b c'] }, { shell: 'a | b', timeout: '5s', user: 'nobody' }],
  [{}, { command: [] }, { command: ['a'], shell: 'a' }, 'a', { shell: 'a', user: 'a:b:c' }],
);
const commands = { onUp: command, onDown: command };
const real = fc.record(
  {
    address: mostly(['10.0.3.2', '10.0.4.2', '2001:db8::2'], ['::1', '192.0.2.10']),
    weight: fc.constantFrom(0, 1, 100),
    upperThreshold: mostly([0, 5, 5000], [-1]),
    lowerThreshold: mostly([0], [1, 6]),
    tunnel,
    inhibitOnFailure: fc.boolean(),
    ...commands,
  },
  { requiredKeys: ['address'] },
);
const service = fc.record(
  {
    vip: mostly(['192.0.2.10', '192.0.2.11', '2001:db8::10'], ['ff02::1']),
    port: mostly<unknown>([80, 443, [80, 443], ['70-90', 8080], 'all'], [['90-80'], [], 0]),
    protocol: mostly(['tcp', 'udp', 'sctp'], ['icmp']),
    scheduler: mostly(SCHEDULER_NAMES as readonly string[], ['wlb']),
    schedulerFlags: mostly<readonly string[]>([[]], [['sh-port'], ['mh-port']]),
    hashOn: fc.constantFrom('flow', 'source'),
    onePacket: mostly([false], [true]),
    persistence: mostly<unknown>(
      ['5m', { timeout: '5m', prefix: 24 }],
      ['1ms', '300', { timeout: '5m', prefix: 0 }, { timeout: '5m', prefix: 64 }],
    ),
    tunnel,
    check: fc.constantFrom<unknown>('none', { port: 80 }, 'tcp'),
    quorum: mostly([1], [0, 2, 300]),
    hysteresis: mostly([0], [-1, 1]),
    sorryServer: mostly<unknown>(
      [{ address: '10.0.3.2' }, { address: '10.0.9.9', weight: 9, tunnel: 'gre', inhibit: true }],
      [{}, { address: '192.0.2.10' }, { address: '10.0.9.9', weight: 0 }, '10.0.9.9'],
    ),
    inhibitOnFailure: fc.boolean(),
    ...commands,
    onQuorumUp: command,
    omega: fc.boolean(),
    reals: fc.array(real, { maxLength: 2 }),
  },
  { requiredKeys: ['vip', 'port', 'reals'] },
);

function read(text: string): LoadedConfig | CulvertError {
  try {
    return parseYaml(text, 'x.yaml');
  } catch (error) {
    if (error instanceof CulvertError) return error;
    throw error;
  }
}

test('whatever the options, they are refused with places, or come to a table that holds together', () => {
  let accepted = 0;
  const property = fc.property(fc.array(service, { minLength: 1, maxLength: 2 }), (services) => {
    const outcome = read(stringify({ director: { interface: 'eth0' }, services }));
    if (outcome instanceof CulvertError) {
      for (const line of outcome.message.split('\n')) expect(line).toMatch(/^x\.yaml:\d+:\d+: \S/);
      return;
    }
    accepted++;
    outcome.config.services.forEach(expectSound);
    const world = startedWorld(outcome, new Uint8Array(16));
    const again = { kind: 'configure', verb: 'reload', loaded: outcome } as const;
    expect(step(world, again, 0).world.table).toBe(world.table);
  });
  fc.assert(property, { numRuns: 1200 });
  expect(accepted).toBeGreaterThan(40);
});

function isRunnable(config: CommandConfig | undefined): boolean {
  return config === undefined || 'shell' in config.run || config.run.command.length > 0;
}

/** What planes rely on. */
function expectSound(config: ServiceConfig): void {
  const { vip, scheduler, schedulerFlags, onePacket, persistence, protocol, reals, tunnel: common } = config;
  if (schedulerFlags.length > 0) expect(scheduler).toBe('sh');
  if (onePacket) expect([protocol, persistence]).toEqual(['udp', undefined]);
  if (persistence) expect(persistence.prefixLength).toBeLessThanOrEqual(isIpv4(vip) ? 32 : 128);
  expect(config.hysteresis).toBeLessThan(config.quorum);
  for (const { onUp, onDown } of reals) expect([onUp, onDown].every(isRunnable)).toBe(true);
  for (const { upperThreshold, lowerThreshold, tunnel: own } of reals) {
    expect(lowerThreshold).toBeLessThanOrEqual(upperThreshold);
    const used = own ?? common;
    if (used.type === 'gue') expect(used.port).toBeGreaterThan(0);
  }
}
