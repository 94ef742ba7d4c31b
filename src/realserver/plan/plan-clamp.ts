// Plans the firewall rules that limit the MSS each VIP announces.
import { CulvertError } from '../../errors.ts';
import { familyOf, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import type { FirewallTool, RealServerFacts } from '../facts/facts.ts';
import { type ServedAs, vipsOf, type Wanted } from '../options.ts';
import type { ClampRule, ClampSpec, Step } from './action.ts';
import { aroundVip, fittingMss } from './tunnel-room.ts';

export interface ClampPlan {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

/** RFC 9293, section 3.7.1: what a TCP may assume; less is a mistake. */
const SMALLEST_MSS = 88;

/** The rules for each family by themselves, whose headers differ. @throws CulvertError REALSERVER */
export function planClamps(facts: RealServerFacts, wanted: Wanted, mtuBytes: number): ClampPlan {
  const plans = ([4, 6] as const).map((family) => planClamp(facts, wanted, mtuBytes, family));
  return {
    steps: plans.flatMap(({ steps }) => steps),
    warnings: [...new Set(plans.flatMap(({ warnings }) => warnings))],
  };
}

/** The preferred tool that works here; undefined: there is none for this family. */
export function clampTool({ firewall }: RealServerFacts, family: IpFamily): FirewallTool | undefined {
  const fit = ['nft', family === 4 ? 'iptables' : 'ip6tables'];
  return firewall.tools.find((tool) => fit.includes(tool));
}

/** The VIPs of a family whose MSS is lowered. */
export function clampedVips({ serves }: Pick<Wanted, 'serves'>, family: IpFamily): readonly IpAddress[] {
  return vipsOf(serves.filter(({ vip, mss }) => mss !== 'none' && familyOf(vip) === family));
}

function planClamp(facts: RealServerFacts, wanted: Wanted, mtuBytes: number, family: IpFamily): ClampPlan {
  const vips = clampedVips(wanted, family);
  if (vips.length === 0) return { steps: [], warnings: [] };
  const limits = vips.map((vip) => limitOf(wanted, mtuBytes, vip));
  const tool = clampTool(facts, family);
  if (tool === undefined) {
    const tools = family === 4 ? 'nft nor iptables' : 'nft nor ip6tables';
    return {
      steps: [],
      warnings: [
        `neither ${tools} works on this host: the MSS is not clamped, and large requests depend on ICMP`,
      ],
    };
  }
  const clamp: ClampSpec = { tool, instance: wanted.instance, family, rules: grouped(limits) };
  return {
    steps: isClamped(facts, clamp)
      ? []
      : [
          {
            action: { kind: 'clamp', clamp },
            undo: [{ kind: 'unclamp', clamp: { tool, instance: wanted.instance, family } }],
          },
        ],
    warnings: limits
      .filter(({ mss, fitting }) => mss > fitting)
      .map(
        ({ mss, fitting }) =>
          `an MSS of ${mss} is too large for IPv${family} in the tunnel on a link with an MTU of ${mtuBytes}: at most ${fitting} fits`,
      ),
  };
}

interface Limit {
  readonly vip: IpAddress;
  readonly mss: number;
  /** The largest MSS that fits the tunnels of the VIP. */
  readonly fitting: number;
}

/** @throws CulvertError REALSERVER when it is out of range. */
function limitOf(wanted: Wanted, mtuBytes: number, vip: IpAddress): Limit {
  const asked = wanted.serves.find((served: ServedAs) => served.vip === vip)?.mss;
  const fitting = fittingMss(mtuBytes, aroundVip(wanted, vip), familyOf(vip));
  const mss = typeof asked === 'number' ? asked : fitting;
  if (mss >= SMALLEST_MSS && mss <= 0xffff) return { vip, mss, fitting };
  throw new CulvertError('REALSERVER', `an MSS of ${mss} is out of range; allowed: ${SMALLEST_MSS} to 65535`);
}

/** Groups limits into one rule for each value. */
function grouped(limits: readonly Limit[]): readonly ClampRule[] {
  const values = [...new Set(limits.map(({ mss }) => mss))];
  return values.map((mss) => ({
    mss,
    vips: limits.filter((limit) => limit.mss === mss).map(({ vip }) => vip),
  }));
}

/** Returns true if this instance's own rules of the family are exactly these already. */
function isClamped(facts: RealServerFacts, wanted: ClampSpec): boolean {
  const own = facts.firewall.clamps
    .filter(({ instance, tool }) => instance === wanted.instance && tool === wanted.tool)
    .flatMap(({ sources, mss }) => sources.map(({ address }) => ({ address, mss })))
    .filter(({ address }) => familyOf(address) === wanted.family);
  const asked = wanted.rules.flatMap(({ vips, mss }) => vips.map((vip) => ({ address: vip, mss })));
  return (
    own.length === asked.length &&
    asked.every(({ address, mss }) => own.some((rule) => rule.address === address && rule.mss === mss))
  );
}
