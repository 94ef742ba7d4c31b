import { CulvertError } from '../errors.ts';
import { familyOf, type IpFamily } from '../net/ip-address.ts';
import type { ClampSpec, Step } from './action.ts';
import type { FirewallTool, RealServerFacts } from './facts.ts';
import type { RealServerOptions } from './options.ts';
import { fittingMss } from './tunnel-room.ts';

export interface ClampPlan {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
}

/** RFC 9293, section 3.7.1: what a TCP may assume; less is a mistake. */
const SMALLEST_MSS = 88;

/** One clamp for the VIPs of each family, whose headers differ. @throws CulvertError REALSERVER */
export function planClamps(facts: RealServerFacts, options: RealServerOptions, mtuBytes: number): ClampPlan {
  if (options.mss === 'none') return { steps: [], warnings: [] };
  const plans = ([4, 6] as const).map((family) => planClamp(facts, options, mtuBytes, family));
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

function planClamp(
  facts: RealServerFacts,
  options: RealServerOptions,
  mtuBytes: number,
  family: IpFamily,
): ClampPlan {
  const vips = options.vips.filter((vip) => familyOf(vip) === family);
  if (vips.length === 0) return { steps: [], warnings: [] };
  const fitting = fittingMss(mtuBytes, options, family);
  const mss = typeof options.mss === 'number' ? options.mss : fitting;
  if (mss < SMALLEST_MSS || mss > 0xffff) {
    throw new CulvertError('REALSERVER', `an MSS of ${mss} is out of range: ${SMALLEST_MSS} to 65535`);
  }
  const tool = clampTool(facts, family);
  if (tool === undefined) {
    const tools = family === 4 ? 'nft nor iptables' : 'nft nor ip6tables';
    return {
      steps: [],
      warnings: [`neither ${tools} works here: the MSS stays as it is, and large requests need ICMP`],
    };
  }
  const clamp: ClampSpec = { tool, instance: options.instance, vips, mss };
  const tooLarge = `an MSS of ${mss} does not fit IPv${family} in the tunnel on a link of ${mtuBytes}: at most ${fitting}`;
  return {
    steps: isClamped(facts, clamp)
      ? []
      : [{ action: { kind: 'clamp', clamp }, undo: [{ kind: 'unclamp', clamp }] }],
    warnings: mss > fitting ? [tooLarge] : [],
  };
}

/** Whether this instance's own rules of the family are exactly these already. */
function isClamped(facts: RealServerFacts, wanted: ClampSpec): boolean {
  const family = wanted.vips[0] === undefined ? 4 : familyOf(wanted.vips[0]);
  const own = facts.firewall.clamps.filter(
    (clamp) =>
      clamp.instance === wanted.instance &&
      clamp.tool === wanted.tool &&
      clamp.sources.some(({ address }) => familyOf(address) === family),
  );
  const sources = own.flatMap((clamp) => clamp.sources.map((source) => source.address));
  return (
    own.every((clamp) => clamp.mss === wanted.mss) &&
    sources.length === wanted.vips.length &&
    wanted.vips.every((vip) => sources.includes(vip))
  );
}
