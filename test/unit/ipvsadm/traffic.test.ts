// What ipvsadm was recorded to list of connections and counters, of the same packets through culvert.
import { expect, test } from 'vitest';
import { decide } from '../../../src/forwarding/forwarder.ts';
import type { ForwarderState } from '../../../src/forwarding/state.ts';
import { isIpv4 } from '../../../src/net/address/ip-address.ts';
import {
  type AdmOutcome,
  type AdmStep,
  outcomeOf,
  readAdmGolden,
  wordsOf,
} from '../../golden/ipvsadm/golden.ts';
import { packetOf } from '../../golden/ipvsadm/packets.ts';
import {
  DIRECTOR,
  DIRECTOR_6,
  DIRECTOR_MAC,
  IF_INDEX,
  MTU,
  NEXT_HOP_MAC,
  standardState,
} from '../forwarding/forwarder/fixture.ts';
import { AdmDirector } from './director.ts';

const scenarios = readAdmGolden('traffic').scenarios.filter(({ steps }) =>
  steps.some((step) => 'send' in step),
);

test.each(scenarios)('$name ($kernels)', async ({ steps }) => {
  await using director = await AdmDirector.start();
  const { image } = director.plane;
  const state = standardState(image);
  const outcomes: object[] = [];
  const recorded: object[] = [];
  for (const step of withRealsReversed(steps)) {
    if ('send' in step) {
      resolveNextHops(state);
      expect(decide(packetOf(step.send), state, 0), step.send).toMatchObject({ verdict: 'forward' });
      // It counts templates.
      image.sweep(0);
    }
    if (!('run' in step)) continue;
    outcomes.push({ run: step.run, ...comparable(await director.ipvsadm(wordsOf(step.run))) });
    recorded.push({ run: step.run, ...comparable(outcomeOf(step)) });
  }
  expect(outcomes).toEqual(recorded);
});

/** IPVS begins its rounds with the real that was added last, culvert with the first one. */
function withRealsReversed(steps: readonly AdmStep[]): readonly AdmStep[] {
  const ordered: AdmStep[] = [];
  for (const step of steps) {
    let at = ordered.length;
    while (isReal(step) && isReal(ordered[at - 1])) at--;
    ordered.splice(at, 0, step);
  }
  return ordered;
}

function isReal(step: AdmStep | undefined): boolean {
  return step !== undefined && 'run' in step && step.run.startsWith('-a');
}

function resolveNextHops({ image }: ForwarderState): void {
  for (const { index, address } of image.reals()) {
    image.setPath(index, {
      sourceAddress: isIpv4(address) ? DIRECTOR : DIRECTOR_6,
      mtuBytes: MTU,
      resolved: { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex: IF_INDEX },
    });
  }
}

/**
 * The kernel lists connections in the order of its hash table, and a second has not passed here. What is sent to another
 * port of a service of all ports is known by the service here.
 */
function comparable({ stdout, ...outcome }: AdmOutcome): AdmOutcome {
  if (stdout?.startsWith('IPVS connection entries') !== true)
    return { ...outcome, ...(stdout === undefined ? {} : { stdout }) };
  const lines = stdout
    .replace(/ \d\d:\d\d /g, ' ')
    .replace(/:8443\b/g, ':0')
    // print.test.ts has the columns.
    .replace(/ +/g, ' ')
    .split('\n');
  return { ...outcome, stdout: lines.toSorted().join('\n') };
}
