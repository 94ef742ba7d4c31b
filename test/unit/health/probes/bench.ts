import type { Server as NetServer } from 'node:net';
import { afterEach } from 'vitest';
import { mergeChecks } from '../../../../src/config/defaults/fill-in-check.ts';
import type { WrittenCheckOptions } from '../../../../src/contract/checks/check-contract.ts';
import type { CheckEnds } from '../../../../src/dataplane/xdp/checks/check-network.ts';
import { CheckRegistry } from '../../../../src/dataplane/xdp/checks/check-registry.ts';
import { CheckWords } from '../../../../src/dataplane/xdp/checks/check-words.ts';
import { TunnelConnector } from '../../../../src/dataplane/xdp/checks/tunnel-connector.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { CHECK_WORDS } from '../../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { createForwarderState } from '../../../../src/forwarding/state.ts';
import { openProbe } from '../../../../src/health/open-probe.ts';
import type { Unfinished } from '../../../../src/health/probe.ts';
import type { WeightEffect } from '../../../../src/health/weight-effect.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';

/** What is to be closed after the test. */
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).toReversed()) await step();
});

export function afterwards(step: () => unknown): void {
  cleanUp.push(step);
}

/** The plane's own connector; nothing here goes through a tunnel. */
function connector(): TunnelConnector {
  const image = new ForwardingImage(allocateImageMemory({ slots: 16, flows: 4 }));
  const state = createForwarderState({ image, linkMtuBytes: 1500, interfaceMac: new Uint8Array(6) });
  const checks = new CheckRegistry(state, new CheckWords(new ArrayBuffer(4 * CHECK_WORDS)));
  const network = { open: <T>(_ends: CheckEnds, work: () => T): T => work() };
  return new TunnelConnector({ network, sourceTo: () => undefined, ownAddress: () => undefined, checks });
}

export interface Attempt {
  readonly port?: number;
  readonly address?: string;
  readonly timeoutMs?: number;
  /** What the check counts as before. */
  readonly up?: boolean;
}

export const TIMED_OUT = 'the time is up';

type Outcome = string | WeightEffect | Unfinished;

/** One attempt of the check that is written so; what came of it in words, or the weight that it found. */
export function attempt(written: WrittenCheckOptions, how: Attempt = {}): Promise<Outcome> {
  return openAttempts(written, how)(how.up);
}

/** Attempts of one check, which may remember the ones before. */
export function openAttempts(
  written: WrittenCheckOptions,
  { port = 9, address = '127.0.0.1', timeoutMs = 2000 }: Attempt = {},
): (up?: boolean) => Promise<Outcome> {
  const [config] = mergeChecks([{ check: written }]);
  if (config === undefined || config.probe.type === 'bfd') throw new Error('no check with attempts');
  const probe = openProbe(config.probe);
  const target = { via: 'direct', address: ip(address), port, from: config.from } as const;
  return async (up = true) => {
    using network = connector();
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error(TIMED_OUT)), timeoutMs);
    try {
      return (await probe.run({ target, connector: network, signal: controller.signal, up })) ?? 'passes';
    } catch (error) {
      return (error as Error).message;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The port that it listens on from now to the end of the test. */
export async function listening(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as { port: number }).port;
}

/** A port that nobody listens on. */
export const CLOSED_PORT = 9;
