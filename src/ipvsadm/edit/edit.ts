// Applies one command of ipvsadm to a configuration.
import type { ConfigDocument, RealDocument, ServiceDocument } from '../../contract/config/config-document.ts';
import { canBeReal, isHost } from '../../contract/values/host-address.ts';
import type { SchedulerName } from '../../forwarding/forwarding-table.ts';
import { SCHEDULER_NAMES } from '../../forwarding/scheduler-names.ts';
import { parseIp } from '../../net/address/ip-address.ts';
import type {
  AdmEdit,
  AdmEndpoint,
  AdmServer,
  AdmServerCommand,
  AdmService,
  AdmServiceCommand,
  AdmSettings,
} from '../parse/ipvsadm-command.ts';
import { AdmFault } from '../parse/ipvsadm-fault.ts';
import { refuseServer, refuseService, refuseSettings } from '../parse/refuse.ts';
import { realDocument, serviceSettings } from './edit-documents.ts';
import { isReal, isService } from './find.ts';

/** The configuration after one command, or why it stays as it is: in the words that ipvsadm has for the kernel's answer. */
export function edit(config: ConfigDocument, command: AdmEdit): ConfigDocument | AdmFault {
  try {
    return edited(config, command);
  } catch (error) {
    if (error instanceof AdmFault) return error;
    throw error;
  }
}

function edited(config: ConfigDocument, command: AdmEdit): ConfigDocument {
  switch (command.name) {
    case 'add-service':
      return addService(config, command);
    case 'edit-service':
      return editService(config, command);
    case 'delete-service': {
      const found = findService(config, command.of, 'No such service');
      return { ...config, services: config.services.filter((service) => service !== found) };
    }
    case 'flush':
      return { ...config, services: [] };
    case 'set':
      return setTimeouts(config, command.timeouts);
    default:
      return editServers(config, command);
  }
}

function addService(config: ConfigDocument, { of, settings }: AdmServiceCommand): ConfigDocument {
  refuseService(of);
  if (config.services.some((service) => isService(service, of)))
    throw AdmFault.table('Service already exists');
  checkScheduler(settings);
  refuseSettings(settings);
  if (!isHost(parseIp(of.address))) throw AdmFault.table(NOT_UNICAST);
  const { protocol, address: vip, port } = of;
  const service: ServiceDocument = {
    vip,
    protocol,
    port: port === 0 ? 'all' : port,
    ...serviceSettings(settings),
    // As in LVS, a service added by hand has no check of its reals.
    check: 'none',
    reals: [],
  };
  return { ...config, services: [...config.services, service] };
}

/** Keeps settings without an option of ipvsadm. */
function editService(config: ConfigDocument, { of, settings }: AdmServiceCommand): ConfigDocument {
  const found = findService(config, of, 'No such service');
  checkScheduler(settings);
  refuseSettings(settings);
  const { schedulerFlags: _flags, hashOn: _hashOn, onePacket: _packet, persistence: _for, ...rest } = found;
  return replaceService(config, found, {
    ...(rest as unknown as ServiceDocument),
    ...serviceSettings(settings),
  });
}

type ServersCommand = AdmServerCommand | Extract<AdmEdit, { readonly name: 'delete-server' }>;

function editServers(config: ConfigDocument, command: ServersCommand): ConfigDocument {
  if (command.name !== 'delete-server') {
    refuseService(command.of);
    refuseServer(command);
  }
  const service = findService(config, command.of, 'Service not defined');
  return replaceService(config, service, { ...service, reals: realsAfter(config, service, command) });
}

function realsAfter(
  config: ConfigDocument,
  service: ServiceDocument,
  command: ServersCommand,
): readonly RealDocument[] {
  const { reals } = service;
  const { address } = command.server;
  if (command.name !== 'delete-server') checkThresholds(command.server);
  const found = reals.find((real) => isReal(real, address));
  if (command.name === 'add-server') {
    if (found !== undefined) throw AdmFault.table('Destination already exists');
    if (!canBeReal(parseIp(address))) throw AdmFault.table(NOT_UNICAST);
    return [...reals, realDocument({ address }, command.server, { config, service })];
  }
  const isThere = found !== undefined && (command.name === 'edit-server' || hasPort(command));
  if (!isThere) throw AdmFault.table('No such destination');
  if (command.name === 'delete-server') return reals.filter((real) => real !== found);
  const changed = realDocument(found, command.server, { config, service });
  return reals.map((real) => (real === found ? changed : real));
}

/** A real is at the port of its service. */
function hasPort({ of, server }: { readonly of: AdmService; readonly server: AdmEndpoint }): boolean {
  return 'port' in of && of.port === server.port;
}

/** Milliseconds would be more than ipvsadm can say: 0 leaves a timeout alone. */
function setTimeouts(
  config: ConfigDocument,
  [tcp, tcpFin, udp]: readonly [number, number, number],
): ConfigDocument {
  const given = Object.entries({ tcp, tcpFin, udp }).filter(([, seconds]) => seconds > 0);
  const timeouts = {
    ...(config.director['timeouts'] as object | undefined),
    ...Object.fromEntries(given.map(([name, seconds]) => [name, `${seconds}s`])),
  };
  return { ...config, director: { ...config.director, timeouts } };
}

function findService(config: ConfigDocument, of: AdmService, otherwise: string): ServiceDocument {
  const found = config.services.find((service) => isService(service, of));
  if (found === undefined) throw AdmFault.table(otherwise);
  return found;
}

function replaceService(
  config: ConfigDocument,
  before: ServiceDocument,
  after: ServiceDocument,
): ConfigDocument {
  return { ...config, services: config.services.map((service) => (service === before ? after : service)) };
}

const NOT_UNICAST = 'Invalid operation.  Possibly wrong module version, address not unicast, ...';

function checkScheduler({ scheduler }: AdmSettings): void {
  if (SCHEDULER_NAMES.includes(scheduler as SchedulerName)) return;
  throw AdmFault.table('Scheduler or persistence engine not found');
}

function checkThresholds({ upperThreshold, lowerThreshold }: AdmServer): void {
  if (lowerThreshold > upperThreshold) throw AdmFault.table('Numerical result out of range');
}
