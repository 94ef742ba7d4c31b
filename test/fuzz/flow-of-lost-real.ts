import { recall } from '../../src/forwarding/image/choice/selection.ts';
import { isOver, opensFlow } from '../../src/forwarding/image/flows/flow-state.ts';
import { isFragment, parseIpHeader } from '../../src/forwarding/packets/ip-header.ts';
import type { ForwarderState } from '../../src/forwarding/state.ts';
import { readTransport } from '../../src/forwarding/target.ts';
import { isFault } from '../../src/net/fault.ts';
import { parseTaggedEthernet } from '../../src/net/headers/ethernet.ts';

/**
 * Whether a frame belongs to a remembered flow whose real does not serve. What becomes of it the fast path leaves to the slow
 * path (bpf/select-real.h), however common the outcome is.
 */
export function isOfLostReal(frame: Uint8Array, state: ForwarderState): boolean {
  const ethernet = parseTaggedEthernet(frame);
  if (isFault(ethernet)) return false;
  const payload = frame.subarray(ethernet.headerBytes);
  const header = parseIpHeader(payload);
  if (isFault(header) || isFragment(header)) return false;
  const packet = { bytes: payload.subarray(0, header.totalLength), header };
  const transport = readTransport({ state, nowMs: 0, trace: undefined, readOnly: true }, packet);
  if (transport === undefined) return false;
  const { protocol, servicePort, flow } = transport;
  const service = state.image.findService(header.destination, servicePort, protocol);
  const hit = service && recall(state.image, service, flow).hit;
  return hit !== undefined && !state.image.isServing(hit.real) && !(opensFlow(flow) && isOver(hit.state));
}
