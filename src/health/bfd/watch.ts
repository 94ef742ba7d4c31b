import type { BfdProbeConfig } from '../../config/probe-config.ts';
import { type IpAddress, ip } from '../../net/ip-address.ts';
import type { Watch } from '../watch.ts';
import { BfdThread } from './thread.ts';

/** The machine has one port for BFD, and so the process one of these. */
const sessions = new BfdThread();

/** Up while the BFD session with the real is. */
export function watchBfd(config: BfdProbeConfig, real: IpAddress): Watch {
  const { multihop, ttl, maxHops, minTxMs, minRxMs, idleTxMs, multiplier, passive } = config;
  const neighbor = {
    address: config.neighbor === undefined ? real : ip(config.neighbor),
    source: config.source === undefined ? undefined : ip(config.source),
    multihop,
    ttl,
    maxHops,
    parameters: { minTxMs, minRxMs, idleTxMs, multiplier, passive },
  };
  return {
    watch(signal, report) {
      const session = sessions.open(neighbor, report);
      signal.addEventListener('abort', () => session[Symbol.dispose](), { once: true });
    },
  };
}
