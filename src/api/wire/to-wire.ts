import type {
  FlowRecord,
  RealCounters,
  ServiceCounters,
  TrafficCounters,
} from '../../dataplane/data-plane.ts';
import type { ConfigDiff } from '../../director/changes/config-diff.ts';
import type {
  ApplySummary,
  DirectorStatus,
  RealFlows,
  RealStatus,
  RunningDocument,
  ServiceStatus,
  SorryServerStatus,
} from '../../director/control.ts';
import type { TrafficAccount, TrafficAccounts } from '../../director/status/traffic-book.ts';
import type { Explanation } from '../../forwarding/decision.ts';
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import type {
  WireApplied,
  WireConfig,
  WireDiff,
  WireExplanation,
  WireFlow,
  WireReal,
  WireRealStats,
  WireService,
  WireServiceKey,
  WireServiceStats,
  WireSorryServer,
  WireStats,
  WireStatus,
  WireTraffic,
} from './wire.ts';

export function statusToWire(status: DirectorStatus): WireStatus {
  return {
    instance: status.instance,
    interface: status.interface,
    plane: status.plane,
    configPath: status.configPath,
    pid: status.pid,
    startedAt: status.startedAt,
    shortages: status.shortages,
    unmadeAttempts: status.unmadeAttempts,
    services: status.services.map(serviceToWire),
    stats: countersToWire(status),
  };
}

export function serviceToWire(status: ServiceStatus): WireService {
  return {
    service: keyToWire(status.key),
    morePorts: status.morePorts,
    scheduler: status.scheduler,
    schedulerFlags: status.schedulerFlags,
    hashOn: status.hashOn,
    onePacket: status.onePacket,
    persistence: status.persistence ?? null,
    tunnel: status.tunnel,
    quorum: status.quorum,
    sorryServer: status.sorryServer === undefined ? null : sorryServerToWire(status.sorryServer),
    reals: status.reals.map(realToWire),
  };
}

export function realToWire(real: RealStatus): WireReal {
  return {
    service: keyToWire(real.service),
    address: formatIp(real.address),
    configuredWeight: real.configuredWeight,
    override: real.override ?? null,
    drained: real.drained,
    effectiveWeight: real.effectiveWeight,
    serving: real.serving,
    inhibitOnFailure: real.inhibitOnFailure,
    tunnel: real.tunnel ?? null,
    upperThreshold: real.upperThreshold,
    lowerThreshold: real.lowerThreshold,
    ...flowsToWire(real),
    ...(real.local === true && { local: true }),
    ...(real.noWay === true && { noWay: true }),
    health: {
      ...real.health,
      lastError: real.health.lastError ?? null,
      checks: real.health.checks.map((check) => ({
        ...check,
        lastError: check.lastError ?? null,
        lastMs: check.lastMs ?? null,
        lastAnswer: check.lastAnswer ?? null,
      })),
      weight: real.health.weight ?? null,
    },
  };
}

function sorryServerToWire(sorry: SorryServerStatus): WireSorryServer {
  const { weight, inhibit, serving } = sorry;
  return {
    address: formatIp(sorry.address),
    weight,
    tunnel: sorry.tunnel ?? null,
    inhibit,
    ...(sorry.local === true && { local: true }),
    ...(sorry.noWay === true && { noWay: true }),
    serving,
    ...flowsToWire(sorry),
  };
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
    services: counters.services.map((service) => serviceCountersToWire(service, accounts)),
    reasons: counters.reasons,
    handedOver: counters.handedOver,
    overBudget: counters.overBudget,
  };
}

export function flowToWire(flow: FlowRecord): WireFlow {
  return {
    service: keyToWire(flow.service),
    client: flow.client === undefined ? null : formatIp(flow.client),
    clientPort: flow.clientPort,
    real: formatIp(flow.real),
    state: flow.state,
    idleMs: flow.idleMs,
    leftMs: flow.leftMs,
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
