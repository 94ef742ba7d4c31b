import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { SCHEDULER_NAMES } from '../../../../src/forwarding/scheduler-names.ts';
import { formatIpv4, type Ipv4Address } from '../../../../src/net/address/ipv4-address.ts';
import { block, joined, maybe, NOTHING, type Part, part } from './config-part.ts';
import { anyChecks, anyTiming, type ServerTiming, timingLines } from './random-checks.ts';

interface Method {
  readonly words: string;
  readonly tunnel: unknown;
}

const CHECKSUMS = { none: 'nocsum', full: 'csum', remote: 'remcsum' } as const;
const method: fc.Arbitrary<Method> = fc.oneof(
  fc.constant({ words: 'TUN', tunnel: 'ipip' }),
  fc.constantFrom('none' as const, 'full' as const).map((checksum) => ({
    words: `TUN type gre ${CHECKSUMS[checksum]}`,
    tunnel: { type: 'gre', checksum },
  })),
  fc
    .tuple(
      fc.constantFrom('none' as const, 'full' as const, 'remote' as const),
      fc.integer({ min: 1, max: 65_535 }),
    )
    .map(([checksum, port]) => ({
      words: `TUN type gue port ${port} ${CHECKSUMS[checksum]}`,
      tunnel: { type: 'gue', port, checksum },
    })),
);

const argument = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 6 })
  .filter((text) => /^[^"'\\${}!#~@]+$/.test(text));

/** The keyword of a command, and culvert's. */
function command(keyword: string, name: string): fc.Arbitrary<Part> {
  const user = fc.constantFrom('', ' nobody', ' nobody nogroup');
  return part(fc.tuple(fc.array(argument, { maxLength: 3 }), user), ([list, whom]) => ({
    line: `${keyword} "/bin/true${list.map((word) => ` '${word}'`).join('')}"${whom}`,
    yaml: {
      [name]: {
        command: ['/bin/true', ...list],
        ...(whom === '' ? {} : { user: whom.trim().replace(' ', ':') }),
      },
    },
  }));
}

const threshold = fc.nat(2 ** 32 - 1);
const thresholds = fc.tuple(threshold, threshold).map(([a, b]): Part => {
  const [upper, lower] = [Math.max(a, b), Math.min(a, b)];
  return {
    lines: [`uthreshold ${upper}`, `lthreshold ${lower}`],
    yaml: { upperThreshold: upper, lowerThreshold: lower },
  };
});

const inhibit = part(fc.boolean(), (on) => ({
  line: `inhibit_on_failure ${on ? 'on' : 'off'}`,
  yaml: { inhibitOnFailure: on },
}));

interface Real {
  readonly weight: number;
  readonly render: (service: {
    readonly tunnel: unknown;
    readonly timing: ServerTiming;
    readonly index: number;
  }) => Part;
}

const real: fc.Arbitrary<Real> = fc
  .record({
    weight: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
    others: fc.tuple(
      maybe(thresholds),
      maybe(inhibit),
      maybe(command('notify_up', 'onUp')),
      maybe(command('notify_down', 'onDown')),
    ),
    own: fc.option(method, { nil: undefined }),
    timing: anyTiming('real_server'),
    checks: anyChecks,
  })
  .map(({ weight, others, own, timing, checks }) => ({
    weight: weight ?? 1,
    render: ({ tunnel, timing: outer, index }): Part => {
      const address = `10.0.0.${index + 1}`;
      const check = checks({ outer, inner: timing });
      const { lines, yaml } = joined(others);
      const differs = own !== undefined && JSON.stringify(own.tunnel) !== JSON.stringify(tunnel);
      return {
        lines: block(`real_server ${address}`, [
          ...(weight === undefined ? [] : [`weight ${weight}`]),
          ...(own === undefined ? [] : [`lvs_method ${own.words}`]),
          ...timingLines(timing, 'real_server'),
          ...lines,
          ...check.lines,
        ]),
        yaml: {
          address,
          weight: weight ?? 1,
          ...yaml,
          ...(differs ? { tunnel: own.tunnel } : {}),
          ...check.yaml,
        },
      };
    },
  }));

const quorum = fc.tuple(fc.nat(), fc.nat());

/** One that can be reached. */
function quorumOf([first, second]: readonly [number, number], total: number): Part {
  const needed = 1 + (first % total);
  const hysteresis = second % Math.min(needed, total - needed + 1);
  return { lines: [`quorum ${needed}`, `hysteresis ${hysteresis}`], yaml: { quorum: needed, hysteresis } };
}

const sorryServer = fc
  .record({ inhibits: fc.boolean(), own: fc.option(method, { nil: undefined }) })
  .map(({ inhibits, own }) => ({
    own,
    lines: [
      'sorry_server 10.0.9.9',
      ...(inhibits ? ['sorry_server_inhibit'] : []),
      ...(own === undefined ? [] : [`sorry_server_lvs_method ${own.words}`]),
    ],
    yaml: { address: '10.0.9.9', weight: 1, ...(inhibits ? { inhibit: true } : {}) },
  }));

const scheduler = fc
  .tuple(fc.constantFrom(...SCHEDULER_NAMES), fc.boolean(), fc.boolean())
  .map(([name, byPort, fallback]): Part => {
    const flags = [...(byPort ? [`${name}-port`] : []), ...(fallback ? [`${name}-fallback`] : [])];
    const head: Part = { lines: [`lb_algo ${name}`], yaml: { scheduler: name } };
    if (name === 'mh') return joined([head, { lines: flags, yaml: { hashOn: byPort ? 'flow' : 'source' } }]);
    return name === 'sh' ? joined([head, { lines: flags, yaml: { schedulerFlags: flags } }]) : head;
  });

const persistence = fc.record({
  timeout: fc.integer({ min: 1, max: 31 * 86_400 }),
  prefix: fc.integer({ min: 1, max: 32 }),
});

function persistenceOf(found: { timeout: number; prefix: number } | undefined, ipv6: boolean): Part {
  if (found === undefined) return NOTHING;
  const { timeout, prefix } = found;
  const mask = ipv6 ? prefix : formatIpv4(((-1 << (32 - prefix)) >>> 0) as Ipv4Address);
  return {
    lines: [`persistence_timeout ${timeout}`, `persistence_granularity ${mask}`],
    yaml: { persistence: { timeout: `${timeout}s`, prefix } },
  };
}

/** A service; each has a port of its own. */
const service = fc
  .record({
    ipv6: fc.boolean(),
    protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
    kept: fc.option(persistence, { nil: undefined }),
    chosen: scheduler,
    common: method,
    others: fc.tuple(
      maybe(command('quorum_up', 'onQuorumUp')),
      maybe(command('quorum_down', 'onQuorumDown')),
      maybe(fc.constant({ lines: ['omega'], yaml: { omega: true } })),
    ),
    inhibits: fc.boolean(),
    sorry: fc.option(sorryServer, { nil: undefined }),
    needed: fc.option(quorum, { nil: undefined }),
    timing: anyTiming('virtual_server'),
    // keepalived complains of a quorum that no weight can reach.
    reals: fc
      .array(real, { minLength: 1, maxLength: 4 })
      .filter((reals) => reals.some(({ weight }) => weight > 0)),
  })
  .map((found) => (port: number): Part => {
    const { ipv6, protocol, kept, chosen, common, others, inhibits, sorry, needed, timing, reals } = found;
    const vip = ipv6 ? '2001:db8::1' : '192.0.2.1';
    const total = reals.reduce((sum, { weight }) => sum + weight, 0);
    const options = joined([
      chosen,
      persistenceOf(kept, ipv6),
      ...others,
      needed === undefined ? NOTHING : quorumOf(needed, total),
    ]);
    const rendered = reals.map(({ render }, index) => render({ tunnel: common.tunnel, timing, index }));
    const own = sorry?.own;
    const differs = own !== undefined && JSON.stringify(own.tunnel) !== JSON.stringify(common.tunnel);
    return {
      lines: block(`virtual_server ${vip} ${port}`, [
        `protocol ${protocol.toUpperCase()}`,
        `lvs_method ${common.words}`,
        ...options.lines,
        ...(inhibits ? ['inhibit_on_failure'] : []),
        ...timingLines(timing, 'virtual_server'),
        ...(sorry?.lines ?? []),
        ...rendered.flatMap(({ lines }) => lines),
      ]),
      yaml: {
        vip,
        protocol,
        port,
        tunnel: common.tunnel,
        ...options.yaml,
        ...(inhibits ? { inhibitOnFailure: true } : {}),
        ...(sorry === undefined
          ? {}
          : { sorryServer: { ...sorry.yaml, ...(differs ? { tunnel: own.tunnel } : {}) } }),
        reals: rendered.map(({ yaml }) => yaml),
      },
    };
  });

export interface BothFormats {
  readonly keepalived: string;
  readonly yaml: string;
}

const TRACKED = block('track_file F', ['file /run/f', 'weight 2']);

/** The same configuration in both formats. */
export const anyConfig: fc.Arbitrary<BothFormats> = fc.array(service, { maxLength: 4 }).map((services) => {
  const parts = services.map((each, index) => each(index + 1));
  return {
    keepalived: `${[...TRACKED, ...parts.flatMap(({ lines }) => lines)].join('\n')}\n`,
    yaml: stringify({ director: { interface: 'eth0' }, services: parts.map(({ yaml }) => yaml) }),
  };
});
