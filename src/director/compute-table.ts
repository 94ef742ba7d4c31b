// Computes the forwarding table from configuration, health and the operator's changes.
import { isDeepStrictEqual } from 'node:util';
import type { RealConfig } from '../contract/config/real-contract.ts';
import type { SorryServerConfig } from '../contract/config/service-contract.ts';
import type { ForwardingTable, Real, Service, ServiceName } from '../forwarding/forwarding-table.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import { HANDS_OVER, type RealEffect, realEffect, sorryEffect } from './effects/real-effect.ts';
import type { Model, ModelReal, ModelService, ServiceOptions } from './model.ts';
import { nextQuorum, type QuorumState } from './quorum.ts';
import { liveState, liveWeight, type RealView } from './status/live-weight.ts';

export interface TableInput extends RealView {
  readonly model: Model;
  readonly hashKey: Uint8Array;
  /** Returns the quorum as it was before the present knowledge; undefined for a new service. */
  readonly quorumOf: (service: ServiceName) => QuorumState | undefined;
}

/**
 * The table that configuration, overrides and health come to. What is as in `previous` is the same object, services
 * and the table itself, so that a plane can tell without comparing what a small change leaves alone.
 */
export function computeTable(input: TableInput, previous?: ForwardingTable): ForwardingTable {
  const before = new Map(previous?.services.map((service) => [formatServiceName(service), service]));
  const services = input.model.services.map((service) =>
    computeService(service, input, before.get(service.name)),
  );
  const { timeouts, expireNodestConn, expireQuiescentTemplate, sloppyTcp } = input.model.config.director;
  const settings = { timeouts, expireNodestConn, expireQuiescentTemplate, sloppyTcp };
  const unchanged =
    previous?.hashKey === input.hashKey &&
    isSame(previous.timeouts, timeouts) &&
    previous.expireNodestConn === expireNodestConn &&
    previous.expireQuiescentTemplate === expireQuiescentTemplate &&
    previous.sloppyTcp === sloppyTcp &&
    previous.services.length === services.length &&
    services.every((service, index) => service === previous.services[index]);
  return unchanged ? previous : { hashKey: input.hashKey, ...settings, services };
}

function computeService(service: ModelService, input: TableInput, previous: Service | undefined): Service {
  const { options } = service;
  const reals = computeReals(service, input, previous?.reals ?? []);
  const unchanged =
    previous !== undefined &&
    previous.reals.length === reals.length &&
    reals.every((real, index) => real === previous.reals[index]) &&
    isSameOptions(previous, options);
  return unchanged ? previous : { ...options, reals };
}

/** The sorry server is the last, unless it is one of the reals. */
function computeReals(
  { name, config, options: { protocol, persistence }, reals }: ModelService,
  input: TableInput,
  previous: readonly Real[],
): Real[] {
  const { sorryServer } = config;
  const { expireQuiescentTemplate } = input.model.config.director;
  const serves =
    sorryServer !== undefined &&
    nextQuorum(input.quorumOf(name), liveWeight(reals, input), config) === 'lost';
  const sorry = serves ? sorryServer : undefined;
  const effects = effectsOf(reals, {
    input,
    sorry,
    movesFlows: protocol === 'udp' && (persistence === undefined || expireQuiescentTemplate),
  });
  const computed = reals.map((real, index) =>
    computeReal(real, { effect: effects[index] as RealEffect, sorry }, previous[index]),
  );
  if (sorryServer === undefined || reals.some((real) => real.config.address === sorryServer.address))
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
function isSame(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}

interface EffectContext {
  readonly input: TableInput;
  readonly sorry: SorryServerConfig | undefined;
  /** Flows of a failed real move even though it is inhibited. */
  readonly movesFlows: boolean;
}

function effectsOf(
  reals: readonly ModelReal[],
  { input, sorry, movesFlows }: EffectContext,
): readonly RealEffect[] {
  const effects = reals.map((real) => realEffect(real, input, sorry));
  if (!movesFlows || !(sorry !== undefined || effects.some(takesFlows))) return effects;
  return reals.map((real, index) => {
    const effect = effects[index] as RealEffect;
    const isInhibited = effect.serving && effect.weight === 0 && !liveState(real, input).up;
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
