import { expect, test } from 'vitest';
import { explain } from '../../../../src/forwarding/explain.ts';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import type { ForwarderState } from '../../../../src/forwarding/state.ts';
import { buildIpv4, PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../../src/net/headers/tcp.ts';
import { CLIENT, NOW_MS, standardImage, standardState, VIP } from './fixture.ts';

const ends = { source: CLIENT, destination: VIP };
const ports = { sourcePort: 40_000, destinationPort: 81 };

/** All reals are the director itself. */
function localState(): ForwarderState {
  const image = standardImage();
  const local = { sourceAddress: undefined, mtuBytes: 0xffff, resolved: undefined, local: true };
  for (const { index } of image.reals()) image.setPath(index, local);
  return standardState(image);
}

function packet(
  fields: { readonly ttl?: number; readonly data?: number; readonly fragment?: boolean } = {},
): Uint8Array {
  const payload = new Uint8Array(fields.data ?? 0);
  const segment = buildTcp({ ...ends, ...ports, flags: TCP_FLAGS.syn, payload });
  const header = {
    ...ends,
    protocol: PROTOCOL.tcp,
    ttl: fields.ttl ?? 64,
    moreFragments: fields.fragment ?? false,
  };
  return buildIpv4({ ...header, dontFragment: true }, segment);
}

test.each([
  ['as the fast path would', {}, undefined],
  ['whose TTL would run out in a tunnel', { ttl: 1 }, 'local-delivery'],
  ['that no tunnel could carry', { data: 1460 }, undefined],
  ['that is a fragment', { data: 64, fragment: true }, 'fragment-forwarded'],
] as const)('a packet goes to the own stack as it came: one %s', (_what, fields, reason) => {
  const state = localState();
  const sent = packet(fields);
  const decision = decide(sent, state, NOW_MS);
  expect(decision).toMatchObject({ verdict: 'forward', packets: [sent] });
  expect(decision.reason).toBe(reason);
});

test('it is counted and remembered as for any real', () => {
  const state = localState();
  const decision = decide(packet(), state, NOW_MS);
  if (decision.verdict !== 'forward') throw new Error('not forwarded');
  expect(state.image.slowCounters(decision.real)).toMatchObject({ packets: 1, connections: 1 });
  expect(state.image.flowCounts(decision.real)).toMatchObject({ active: 1 });
});

test('explain says so', () => {
  const { sentences } = explain(packet(), localState(), NOW_MS);
  expect(sentences.join(' ')).toMatch(
    /is an address of the director: it is delivered to this host's own stack\./,
  );
});
