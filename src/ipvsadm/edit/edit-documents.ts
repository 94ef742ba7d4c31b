// Services and real servers of ipvsadm as documents of a configuration.
import { isDeepStrictEqual } from 'node:util';
import type { ConfigDocument, RealDocument, ServiceDocument } from '../../contract/config/config-document.ts';
import type { AdmServer, AdmSettings, AdmTunnel } from '../parse/ipvsadm-command.ts';

/** The options of a service as a configuration writes them. */
export function serviceSettings(settings: AdmSettings): Readonly<Record<string, unknown>> {
  const { scheduler, flags, persistence, onePacket } = settings;
  return {
    scheduler,
    // Written out where there are none as well: `defaults` may have some.
    ...(scheduler === 'sh' ? { schedulerFlags: flags.filter((flag) => flag.startsWith('sh-')) } : {}),
    ...(scheduler === 'mh' ? { hashOn: flags.includes('mh-port') ? 'flow' : 'source' } : {}),
    ...(onePacket ? { onePacket } : {}),
    ...(persistence === undefined
      ? {}
      : { persistence: { timeout: `${persistence.seconds}s`, prefix: persistence.prefix } }),
  };
}

interface Around {
  readonly config: ConfigDocument;
  readonly service: ServiceDocument;
}

/** A new or existing real with the settings that ipvsadm gives. */
export function realDocument(before: RealDocument, server: AdmServer, around: Around): RealDocument {
  const { upperThreshold: _upper, lowerThreshold: _lower, ...rest } = before;
  const { weight, upperThreshold, lowerThreshold } = server;
  const real = {
    ...(rest as unknown as RealDocument),
    weight,
    ...(upperThreshold > 0 ? { upperThreshold } : {}),
    ...(lowerThreshold > 0 ? { lowerThreshold } : {}),
  };
  return server.method === undefined ? real : withTunnel(real, server.tunnel, around);
}

/** Writes the tunnel only if it differs from that of the service. */
function withTunnel(real: RealDocument, tunnel: AdmTunnel, { config, service }: Around): RealDocument {
  const { tunnel: _tunnel, ...rest } = real;
  const own = tunnelDocument(tunnel);
  const usual = service['tunnel'] ?? config.defaults?.['tunnel'] ?? 'ipip';
  const bare = rest as unknown as RealDocument;
  return isDeepStrictEqual(own, usual) ? bare : { ...bare, tunnel: own };
}

function tunnelDocument({ type, port, checksum }: AdmTunnel): unknown {
  if (type === 'gue') return { type, port, checksum };
  return checksum === 'none' ? type : { type, checksum };
}
