// Computes the entry of a service in the forwarding table from configuration, health and the operator's changes.
import { isDeepStrictEqual } from 'node:util';
import type { RealConfig } from '../../contract/config/real-contract.ts';
import type { SorryServerConfig } from '../../contract/config/service-contract.ts';
import type { Real, Service } from '../../forwarding/forwarding-table.ts';
import { type ByHand, liveState } from './live-weight.ts';
import type { ModelReal, ServiceOptions } from './model.ts';
import { HANDS_OVER, type RealEffect, realEffect, sorryEffect } from './real-effect.ts';
import type { RealWorld, ServiceWorld } from './world.ts';

export interface EntryContext extends ByHand {
  readonly expireQuiescentTemplate: boolean;
}

/**
 * Returns the entry of a service. What is as in `previous` is the same object, its reals and the entry itself, so that a plane can
 * tell without comparing what a small change leaves alone.
 */
export function serviceEntry(
  one: Omit<ServiceWorld, 'entry' | 'weight'>,
  context: EntryContext,
  previous: Service | undefined,
): Service {
  const { options } = one.service;
  const reals = computeReals(one, context, previous?.reals ?? []);
  const unchanged =
    previous !== undefined &&
    previous.reals.length === reals.length &&
    reals.every((real, index) => real === previous.reals[index]) &&
    isSameOptions(previous, options);
  return unchanged ? previous : { ...options, reals };
}

/** The sorry server is the last, unless it is one of the reals. */
function computeReals(
  { service, reals, quorum }: Omit<ServiceWorld, 'entry' | 'weight'>,
  context: EntryContext,
  previous: readonly Real[],
): Real[] {
  const { protocol, persistence } = service.options;
  const { sorryServer } = service.config;
  const serves = quorum === 'lost';
  const sorry = serves ? sorryServer : undefined;
  const movesFlows = protocol === 'udp' && (persistence === undefined || context.expireQuiescentTemplate);
  const effects = effectsOf(reals, { byHand: context.byHand, sorry, movesFlows });
  const computed = reals.map(({ real }, index) =>
    computeReal(real, { effect: effects[index] as RealEffect, sorry }, previous[index]),
  );
  if (sorryServer === undefined || reals.some(({ real }) => real.config.address === sorryServer.address))
    return computed;
  return [...computed, realOf(sorryServer, sorryEffect(sorryServer, serves), previous[reals.length])];
}

/** Returns true if a service of the former table has these options and, except for its reals, nothing else. */
function isSameOptions(previous: Service, options: ServiceOptions): boolean {
  const names = Object.keys(options) as (keyof ServiceOptions)[];
  if (Object.keys(previous).length !== names.length + 1) return false;
  return names.every((name) => isSame(previous[name], options[name]));
}

/** Most are the same object, as long as no other configuration was read. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

interface EffectContext extends ByHand {
  readonly sorry: SorryServerConfig | undefined;
  /** Flows of a failed real move even though it is inhibited. */
  readonly movesFlows: boolean;
}

function effectsOf(reals: readonly RealWorld[], context: EffectContext): readonly RealEffect[] {
  const { sorry, movesFlows } = context;
  const effects = reals.map((real) => realEffect(real, context, sorry));
  if (!movesFlows || !(sorry !== undefined || effects.some(takesFlows))) return effects;
  return reals.map((real, index) => {
    const effect = effects[index] as RealEffect;
    const isInhibited = effect.serving && effect.weight === 0 && !liveState(real, context).up;
    return isInhibited ? HANDS_OVER : effect;
  });
}

function takesFlows({ serving, weight }: RealEffect): boolean {
  return serving && weight > 0;
}

function computeReal(
  real: ModelReal,
  { effect, sorry }: { readonly effect: RealEffect; readonly sorry: SorryServerConfig | undefined },
  previous: Real | undefined,
): Real {
  const { config } = real;
  const own = sorry?.address === config.address ? sorry.tunnel : undefined;
  return realOf(own === undefined ? config : { ...config, tunnel: own }, effect, previous);
}

/** The part of a real, or of a sorry server, in the table that does not depend on its health. */
type RealOptions = Pick<RealConfig, 'address' | 'tunnel'> &
  Partial<Pick<RealConfig, 'upperThreshold' | 'lowerThreshold'>>;

function realOf(
  config: RealOptions,
  { weight, serving, inhibited = false }: RealEffect,
  previous: Real | undefined,
): Real {
  // Most of thousands are as they were: nothing is made before that is known.
  if (
    previous?.weight === weight &&
    previous.serving === serving &&
    (previous.inhibited ?? false) === inhibited &&
    isConfigured(previous, config)
  ) {
    return previous;
  }
  const { address, tunnel, upperThreshold = 0, lowerThreshold = 0 } = config;
  return {
    address,
    weight,
    serving,
    ...(inhibited ? { inhibited } : {}),
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(upperThreshold === 0 ? {} : { upperThreshold }),
    ...(lowerThreshold === 0 ? {} : { lowerThreshold }),
  };
}

function isConfigured(real: Real, config: RealOptions): boolean {
  return (
    real.address === config.address &&
    (real.upperThreshold ?? 0) === (config.upperThreshold ?? 0) &&
    (real.lowerThreshold ?? 0) === (config.lowerThreshold ?? 0) &&
    isSame(real.tunnel, config.tunnel)
  );
}
