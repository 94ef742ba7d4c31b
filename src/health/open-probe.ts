import type { BfdProbeConfig, ProbeConfig } from '../config/probe-config.ts';
import type { Probe } from './probe.ts';
import { probeDns } from './probes/dns.ts';
import { probeFile } from './probes/file.ts';
import { probeHttp } from './probes/http.ts';
import { probeMisc } from './probes/misc.ts';
import { probeSmtp } from './probes/smtp.ts';
import { probeUdp } from './probes/udp.ts';

/** How often something is attempted is the checker's affair; a BFD session is watched instead. */
export type AttemptConfig = Exclude<ProbeConfig, BfdProbeConfig>;

export function openProbe(config: AttemptConfig): Probe {
  return { silencePasses: config.type === 'udp' && config.reply === undefined, run: runOf(config) };
}

function runOf(config: AttemptConfig): Probe['run'] {
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
    case 'https':
      return (context) => probeHttp(config, context).then(nothing);
    case 'smtp':
      return (context) => probeSmtp(config, context).then(nothing);
    case 'dns':
      return (context) => probeDns(config, context).then(nothing);
    case 'udp':
      return (context) => probeUdp(config, context).then(nothing);
    case 'misc':
      return (context) => probeMisc(config, context);
    default:
      return (context) => probeFile(config, context);
  }
}

/** Of all but two types nothing follows for the weight. */
function nothing(): undefined {
  return undefined;
}
