// The effect of health and overrides on a real server in the table.
import type { SorryServerConfig } from '../../contract/config/service-contract.ts';
import type { Real } from '../../forwarding/forwarding-table.ts';
import { type ByHand, liveState } from './live-weight.ts';
import type { RealWorld } from './world.ts';

export type RealEffect = Pick<Real, 'weight' | 'serving' | 'inhibited'>;

/**
 * Returns the effect of a real in the table. A real that is out is not served at all, or has weight 0 where its flows are to live
 * on: if it is to be inhibited, or if it is only displaced while it had weight 0 already, as an operator who drains a real
 * expects.
 * @param sorry the sorry server that serves instead, if one does
 */
export function realEffect(
  real: RealWorld,
  byHand: ByHand,
  sorry: SorryServerConfig | undefined,
): RealEffect {
  const { config } = real.real;
  // The two may be one machine.
  if (sorry?.address === config.address) return sorryEffect(sorry, true);
  const { up, weight } = liveState(real, byHand);
  if (up && sorry === undefined) return { weight, serving: true };
  if (config.inhibitOnFailure || (up && weight === 0)) return { weight: 0, serving: true };
  return { weight, serving: false };
}

/**
 * Returns the effect of an inhibited real of a UDP service while another real takes flows: it is not served. A sender of
 * datagrams sees no failure and opens no other connection, so its flow would stay with the failed real for ever.
 */
export const HANDS_OVER: RealEffect = { weight: 0, serving: false, inhibited: true };

/** Returns the effect of a sorry server. It keeps its place in the table, so that its next hop is known when it is needed. */
export function sorryEffect({ weight, inhibit }: SorryServerConfig, serves: boolean): RealEffect {
  return serves ? { weight, serving: true } : { weight: inhibit ? 0 : weight, serving: inhibit };
}
