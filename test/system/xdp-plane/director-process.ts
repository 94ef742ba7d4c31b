// Opens the plane in the namespace that it was started in and does what its parent asks over IPC.
import type { DataPlane, FlowRecord } from '../../../src/dataplane/data-plane.ts';
import type { XdpPlaneOptions } from '../../../src/dataplane/xdp/open-xdp.ts';
import { openXdpPlane } from '../../../src/dataplane/xdp/open-xdp.ts';
import type { Answer, Call } from './remote-plane.ts';

let plane: DataPlane | undefined;

process.on('message', (call: Call) => {
  void answer(call).then((reply) => process.send?.({ kind: 'answer', id: call.id, ...reply }));
});
process.on('disconnect', () => process.exit(0));

async function answer(call: Call): Promise<Pick<Answer, 'result' | 'error'>> {
  try {
    return { result: await perform(call), error: undefined };
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    return { result: undefined, error: { message, code } };
  }
}

async function perform({ method, argument }: Call): Promise<unknown> {
  if (method === 'open') {
    const options = argument as Omit<XdpPlaneOptions, 'onEvent'>;
    plane = await openXdpPlane({ ...options, onEvent: (event) => process.send?.({ kind: 'event', event }) });
    return plane.description;
  }
  if (plane === undefined) throw new Error('open the plane first');
  if (method === 'check') {
    const connection = await plane.connector.connectTcp(argument as never, AbortSignal.timeout(20_000));
    connection[Symbol.dispose]();
    return undefined;
  }
  if (method === 'ping') return plane.connector.ping(argument as never, AbortSignal.timeout(20_000));
  if (method === 'flows') return listFlows(plane);
  const operation = plane[method] as (argument: unknown) => unknown;
  return operation.call(plane, argument);
}

async function listFlows(of: DataPlane): Promise<FlowRecord[]> {
  const flows: FlowRecord[] = [];
  for await (const flow of of.flows()) flows.push(flow);
  return flows;
}
