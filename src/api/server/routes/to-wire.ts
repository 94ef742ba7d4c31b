// Turns what a director says into the bodies of the API: addresses as text, what is not there as null.
import type { WireApplied, WireConfig, WireDiff } from '../../../contract/api/configuration.ts';
import type {
  WireRealStats,
  WireServiceStats,
  WireStats,
  WireStatus,
  WireTraffic,
} from '../../../contract/api/director-status.ts';
import type { WireExplanation } from '../../../contract/api/explanation.ts';
import type { WireFlow } from '../../../contract/api/flow.ts';
import type { WireReal, WireService, WireSorryServer } from '../../../contract/api/service-status.ts';
import type { WireServiceKey } from '../../../contract/api/wire-values.ts';
import type {
  FlowRecord,
  RealCounters,
  ServiceCounters,
  TrafficCounters,
} from '../../../dataplane/data-plane.ts';
import type { ConfigDiff } from '../../../director/changes/config-diff.ts';
import type {
  ApplySummary,
  DirectorStatus,
  RealFlows,
  RealStatus,
  RunningDocument,
  ServiceStatus,
  SorryServerStatus,
} from '../../../director/control.ts';
import type { TrafficAccount, TrafficAccounts } from '../../../director/status/traffic-book.ts';
import type { Explanation } from '../../../forwarding/decision.ts';
import type { ServiceKey } from '../../../forwarding/forwarding-table.ts';
import { formatIp } from '../../../net/address/ip-address.ts';

export function statusToWire(status: DirectorStatus): WireStatus {
  const { counters: _counters, accounts: _accounts, services, ...rest } = status;
  return { ...rest, services: services.map(serviceToWire), stats: countersToWire(status) };
}

export function serviceToWire({ key, persistence, sorryServer, reals, ...rest }: ServiceStatus): WireService {
  return {
    service: keyToWire(key),
    ...rest,
    persistence: persistence ?? null,
    sorryServer: sorryServer === undefined ? null : sorryServerToWire(sorryServer),
    reals: reals.map(realToWire),
  };
}

export function realToWire(real: RealStatus): WireReal {
  const { service, address, override, tunnel, health, ...rest } = real;
  const { flowsKnown: _known, flowsKnownInMs: _knownInMs, ...own } = rest;
  return {
    service: keyToWire(service),
    address: formatIp(address),
    ...own,
    override: override ?? null,
    tunnel: tunnel ?? null,
    ...flowsToWire(real),
    health: {
      ...health,
      lastError: health.lastError ?? null,
      checks: health.checks.map((check) => ({
        ...check,
        lastError: check.lastError ?? null,
        lastMs: check.lastMs ?? null,
        lastAnswer: check.lastAnswer ?? null,
      })),
      weight: health.weight ?? null,
    },
  };
}

function sorryServerToWire(sorry: SorryServerStatus): WireSorryServer {
  const { flowsKnown: _known, flowsKnownInMs: _knownInMs, address, tunnel, ...own } = sorry;
  return { address: formatIp(address), ...own, tunnel: tunnel ?? null, ...flowsToWire(sorry) };
}

type WireFlows = Pick<
  WireReal,
  'activeFlows' | 'inactiveFlows' | 'activeKnown' | 'completeAt' | 'persistentClients'
>;

function flowsToWire(flows: RealFlows): WireFlows {
  const { activeFlows, inactiveFlows, persistentClients, flowsKnown, flowsKnownInMs } = flows;
  return {
    activeFlows,
    inactiveFlows,
    activeKnown: flowsKnown,
    completeAt: flowsKnownInMs === undefined ? null : new Date(Date.now() + flowsKnownInMs).toISOString(),
    persistentClients,
  };
}

type Counted = Pick<DirectorStatus, 'counters' | 'accounts'>;

export function countersToWire({ counters, accounts }: Counted): WireStats {
  return {
    ...counters,
    services: counters.services.map((service) => serviceCountersToWire(service, accounts)),
  };
}

export function flowToWire(flow: FlowRecord): WireFlow {
  return {
    ...flow,
    service: keyToWire(flow.service),
    client: flow.client === undefined ? null : formatIp(flow.client),
    real: formatIp(flow.real),
  };
}

export function explanationToWire({ decision, real, sentences }: Explanation): WireExplanation {
  return {
    verdict: decision.verdict,
    reason: decision.reason ?? null,
    real: real === undefined ? null : formatIp(real),
    to: decision.verdict === 'answer' ? formatIp(decision.to) : null,
    packets: packetsOf(decision).map((packet) => Buffer.from(packet).toString('hex')),
    sentences,
  };
}

export function configToWire(running: RunningDocument): WireConfig {
  return { ...running, confirmBefore: running.confirmBefore ?? null };
}

export function appliedToWire(summary: ApplySummary): WireApplied {
  return { ...summary, confirmBefore: summary.confirmBefore ?? null };
}

export function diffToWire({ director, services }: ConfigDiff): WireDiff {
  return {
    director,
    services: services.map(({ key, change, settings, reals }) => ({
      service: keyToWire(key),
      change,
      settings,
      reals: reals.map((real) => ({ ...real, address: formatIp(real.address) })),
    })),
  };
}

function packetsOf(decision: Explanation['decision']): readonly Uint8Array[] {
  if (decision.verdict === 'forward') return decision.packets;
  return decision.verdict === 'answer' ? [decision.packet] : [];
}

function keyToWire(key: ServiceKey): WireServiceKey {
  return { protocol: key.protocol, vip: formatIp(key.vip), port: key.port };
}

function serviceCountersToWire(counters: ServiceCounters, accounts: TrafficAccounts): WireServiceStats {
  const reals = counters.reals.map((real) =>
    realCountersToWire(real, accounts(counters.key, real.address, real)),
  );
  return {
    service: keyToWire(counters.key),
    connections: counters.connections,
    packets: counters.packets,
    bytes: counters.bytes,
    sinceZero: sumOf(reals.map((real) => real.sinceZero)),
    perSecond: sumOf(reals.map((real) => real.perSecond)),
    slots: counters.slots,
    trackedSlots: counters.trackedSlots,
    reals,
  };
}

function realCountersToWire(real: RealCounters, { sinceZero, perSecond }: TrafficAccount): WireRealStats {
  return {
    address: formatIp(real.address),
    ...trafficToWire(real),
    sinceZero: trafficToWire(sinceZero),
    perSecond,
    ...flowsToWire(real),
  };
}

function trafficToWire({ connections, packets, bytes }: TrafficCounters): WireTraffic {
  return { connections, packets, bytes };
}

function sumOf(all: readonly WireTraffic[]): WireTraffic {
  const sum = { connections: 0, packets: 0, bytes: 0 };
  for (const { connections, packets, bytes } of all) {
    sum.connections += connections;
    sum.packets += packets;
    sum.bytes += bytes;
  }
  return sum;
}
