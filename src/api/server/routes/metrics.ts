// The metrics of a director in the Prometheus text format.
import type { WireServiceStats, WireStatus } from '../../../contract/api/director-status.ts';
import type { WireReal, WireService } from '../../../contract/api/service-status.ts';
import type { WireServiceKey } from '../../../contract/api/wire-values.ts';
import { REASON_NAMES } from '../../../forwarding/reasons.ts';

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** A director's state in the Prometheus text exposition format 0.0.4. */
export function metricsText(status: WireStatus): string {
  return [
    ...directorMetrics(status),
    ...serviceMetrics(status.stats.services),
    ...quorumMetrics(status.services),
    ...realTrafficMetrics(status.stats.services),
    ...realStateMetrics(status.services.flatMap((service) => service.reals)),
    ...reasonMetrics(status),
  ]
    .map(metricText)
    .join('');
}

function directorMetrics(status: WireStatus): Metric[] {
  const { instance, interface: device, plane } = status;
  return [
    gauge('culvert_info', 'Identity of this director; always 1.', [
      [{ instance, interface: device, plane }, 1],
    ]),
    gauge('culvert_start_time_seconds', 'Start time of the daemon, in seconds since 1970.', [
      [{}, Date.parse(status.startedAt) / 1000],
    ]),
    counter(
      'culvert_check_attempts_not_made_total',
      'Check attempts that this machine could not make. They do not change the health of a real.',
      [[{}, status.unmadeAttempts]],
    ),
    gauge(
      'culvert_checks_short',
      'Checks that cannot run because this machine is short of a resource, by error name.',
      status.shortages.map(({ code, checks }): Sample => [{ code }, checks]),
    ),
    counter(
      'culvert_sync_total',
      'Flows and messages that the synchronisation sent and received, by role and by what became of them.',
      status.sync.flatMap(({ role, counters }) =>
        Object.entries(counters).map(([what, count]): Sample => [{ role, what }, count]),
      ),
    ),
  ];
}

function serviceMetrics(services: readonly WireServiceStats[]): Metric[] {
  const each = (value: (service: WireServiceStats) => number): Sample[] =>
    services.map((service) => [serviceLabels(service.service), value(service)]);
  return [
    counter(
      'culvert_service_connections_total',
      'Connections sent to the reals of a service.',
      each((service) => service.connections),
    ),
    counter(
      'culvert_service_packets_total',
      'Packets forwarded for a service.',
      each((service) => service.packets),
    ),
    counter(
      'culvert_service_bytes_total',
      'Bytes of the inner IP packets forwarded for a service.',
      each((service) => service.bytes),
    ),
    gauge(
      'culvert_service_slots',
      'Ring slots of a service.',
      each((service) => service.slots),
    ),
    gauge(
      'culvert_service_tracked_slots',
      'Ring slots of a service that are in transition.',
      each((service) => service.trackedSlots),
    ),
  ];
}

function quorumMetrics(services: readonly WireService[]): Metric[] {
  const each = (value: (quorum: WireService['quorum']) => number): Sample[] =>
    services.map(({ service, quorum }) => [serviceLabels(service), value(quorum)]);
  return [
    gauge(
      'culvert_service_quorum_up',
      '1 while a service has its quorum, 0 while it has lost it.',
      each(({ state }) => (state === 'up' ? 1 : 0)),
    ),
    gauge(
      'culvert_service_live_weight',
      'Sum of the weights of the healthy reals of a service.',
      each(({ weight }) => weight),
    ),
    gauge(
      'culvert_service_quorum',
      'The weight of healthy reals that a service needs.',
      each(({ quorum }) => quorum),
    ),
    gauge(
      'culvert_sorry_server_serving',
      '1 while a sorry server serves instead of the reals.',
      services.flatMap(({ service, sorryServer: sorry }): Sample[] =>
        sorry === null ? [] : [[{ ...serviceLabels(service), real: sorry.address }, sorry.serving ? 1 : 0]],
      ),
    ),
  ];
}

function realTrafficMetrics(services: readonly WireServiceStats[]): Metric[] {
  const each = (value: (real: WireServiceStats['reals'][number]) => number): Sample[] =>
    services.flatMap(({ service, reals }) =>
      reals.map((real): Sample => [{ ...serviceLabels(service), real: real.address }, value(real)]),
    );
  return [
    counter(
      'culvert_real_connections_total',
      'Connections sent to a real.',
      each((real) => real.connections),
    ),
    counter(
      'culvert_real_packets_total',
      'Packets forwarded to a real.',
      each((real) => real.packets),
    ),
    counter(
      'culvert_real_bytes_total',
      'Bytes of the inner IP packets forwarded to a real.',
      each((real) => real.bytes),
    ),
    gauge(
      'culvert_real_active_flows',
      'Remembered flows that are established or half-open.',
      each((real) => real.activeFlows),
    ),
    gauge(
      'culvert_real_inactive_flows',
      'Other remembered flows.',
      each((real) => real.inactiveFlows),
    ),
    gauge(
      'culvert_real_flows_known',
      '1 while every flow of a real is remembered, 0 while it may have more flows than are counted.',
      each((real) => (real.activeKnown ? 1 : 0)),
    ),
    gauge(
      'culvert_real_persistent_clients',
      'Clients, or networks of clients, that persistence keeps at a real.',
      each((real) => real.persistentClients),
    ),
  ];
}

function realStateMetrics(reals: readonly WireReal[]): Metric[] {
  const each = (value: (real: WireReal) => number): Sample[] =>
    reals.map((real) => [{ ...serviceLabels(real.service), real: real.address }, value(real)]);
  return [
    gauge(
      'culvert_real_up',
      '1 while a real passes its checks or has none, 0 while it is down.',
      each((real) => (real.health.state === 'down' ? 0 : 1)),
    ),
    gauge(
      'culvert_real_check_failures',
      'Failed checks in a row.',
      each((real) => real.health.failures),
    ),
    gauge(
      'culvert_check_duration_seconds',
      'Duration of the last attempt of a check, by type.',
      reals.flatMap(({ service, address, health }) =>
        health.checks.flatMap(({ type, lastMs }, index): Sample[] => {
          const labels = { ...serviceLabels(service), real: address, check: type, index: String(index) };
          return lastMs === null ? [] : [[labels, lastMs / 1000]];
        }),
      ),
    ),
    gauge(
      'culvert_real_weight',
      'Weight in force.',
      each((real) => real.effectiveWeight),
    ),
    gauge(
      'culvert_real_without_way',
      '1 while there is no route to a real, or its next hop does not answer.',
      each((real) => (real.noWay === true ? 1 : 0)),
    ),
    gauge(
      'culvert_real_drained',
      '1 while a real is drained by hand.',
      each((real) => (real.drained ? 1 : 0)),
    ),
    gauge(
      'culvert_real_configured_weight',
      'The weight that the configuration asks for.',
      each((real) => real.configuredWeight),
    ),
  ];
}

/** Every reason is listed, also at 0: a rate over a series that appears with its first packet misses that packet. */
function reasonMetrics({ stats }: WireStatus): Metric[] {
  return [
    counter(
      'culvert_reason_packets_total',
      'Packets that were not simply forwarded, by reason.',
      REASON_NAMES.map((reason) => [{ reason }, stats.reasons[reason] ?? 0]),
    ),
    counter('culvert_handed_over_packets_total', 'Packets that the fast path handed to the slow path.', [
      [{}, stats.handedOver],
    ]),
    counter(
      'culvert_over_budget_packets_total',
      'Rare packets that the fast path dropped because the budget of the slow path was used up.',
      [[{}, stats.overBudget]],
    ),
  ];
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'counter', help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'gauge', help, samples };
}

function serviceLabels(service: WireServiceKey): Labels {
  return {
    protocol: service.protocol,
    vip: service.vip,
    port: service.port === 0 ? 'all' : String(service.port),
  };
}

function metricText({ name, type, help, samples }: Metric): string {
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
