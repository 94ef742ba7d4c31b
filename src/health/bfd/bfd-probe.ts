// A BFD session as the probe of a check.
import type { BfdProbeConfig } from '../../contract/checks/probe-config.ts';
import { type IpAddress, ip } from '../../net/address/ip-address.ts';
import type { CheckSchedule } from '../check-state.ts';
import type { Probe } from '../probe.ts';
import type { BfdNeighbor } from './neighbor.ts';
import { BfdThread } from './thread.ts';

const DAY_MS = 86_400_000;

/** News come by themselves, and one is enough. */
export const BFD_SCHEDULE: CheckSchedule = {
  intervalMs: DAY_MS,
  timeoutMs: DAY_MS,
  retries: 0,
  retryDelayMs: 0,
  warmupMs: 0,
};

/** The machine has one port for BFD, and so the process one of these. */
const sessions = new BfdThread();

/** An attempt says how the session is; each change of it is worth one. The first waits until there is something to say. */
export function bfdProbe(config: BfdProbeConfig, real: IpAddress): Probe {
  const known = Promise.withResolvers<void>();
  let verdict: { readonly fault: string | undefined; readonly shortage: string | undefined } | undefined;
  return {
    silencePasses: false,
    async run() {
      await known.promise;
      if (verdict?.fault !== undefined) throw new Error(verdict.fault, { cause: { code: verdict.shortage } });
      return undefined;
    },
    watch(changed) {
      return sessions.open(neighborOf(config, real), (fault, shortage) => {
        const isFirst = verdict === undefined;
        verdict = { fault, shortage };
        if (isFirst) known.resolve();
        else changed();
      });
    },
  };
}

function neighborOf(config: BfdProbeConfig, real: IpAddress): BfdNeighbor {
  const { neighbor, source, multihop, ttl, maxHops } = config;
  const { minTxMs, minRxMs, idleTxMs, multiplier, passive } = config;
  return {
    address: neighbor === undefined ? real : ip(neighbor),
    source: source === undefined ? undefined : ip(source),
    multihop,
    ttl,
    maxHops,
    parameters: { minTxMs, minRxMs, idleTxMs, multiplier, passive },
  };
}
