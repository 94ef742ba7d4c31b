// Makes the probe of a check.
import type { BfdProbeConfig, ProbeConfig } from '../contract/checks/probe-config.ts';
import type { Probe } from './probe.ts';
import { probeDns } from './probes/dns.ts';
import { fileProbe } from './probes/file.ts';
import { probeHttp } from './probes/http/http.ts';
import { UrlRotation } from './probes/http/url-rotation.ts';
import { probeMisc } from './probes/misc.ts';
import { probeSmtp } from './probes/smtp.ts';
import { probeUdp } from './probes/udp.ts';

/** All probes except BFD, whose session has to know the real. */
export type AttemptedProbeConfig = Exclude<ProbeConfig, BfdProbeConfig>;

export function openProbe(config: AttemptedProbeConfig): Probe {
  if (config.type === 'file') return fileProbe(config);
  return { silencePasses: config.type === 'udp' && config.reply === undefined, run: runOf(config) };
}

function runOf(config: Exclude<AttemptedProbeConfig, { type: 'file' }>): Probe['run'] {
  switch (config.type) {
    case 'tcp':
      return async ({ connector, target, signal }) => {
        const connection = await connector.connectTcp(target, signal);
        connection[Symbol.dispose]();
        return undefined;
      };
    case 'ping':
      return ({ connector, target, signal }) => connector.ping(target, signal).then(nothing);
    case 'http':
    case 'https': {
      if (!config.rotate) return (context) => probeHttp(config, context);
      const rotation = new UrlRotation(config);
      return (context) => rotation.run(context);
    }
    case 'smtp':
      return (context) => probeSmtp(config, context).then(nothing);
    case 'dns':
      return (context) => probeDns(config, context).then(nothing);
    case 'udp':
      return (context) => probeUdp(config, context).then(nothing);
    default:
      return (context) => probeMisc(config, context);
  }
}

/** Returns no effect on the weight, as all types except two do. */
function nothing(): undefined {
  return undefined;
}
