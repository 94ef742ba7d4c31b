import { closeMaps, mapImage, mapSizes, mapsOf } from '../src/dataplane/xdp/pins/pinned-maps.ts';
import type { BpfProgram } from '../src/linux/bpf/bpf-program.ts';
import { type BpfObject, openBpfObject } from '../src/linux/bpf/object.ts';
import { XdpLink } from '../src/linux/bpf/xdp-link.ts';
import { inNamespace } from '../src/linux/namespaces/namespace-thread.ts';
import { connectNamespaces, createNamespace, deleteNamespace } from '../src/linux/namespaces/netns.ts';
import { findLink, type Link } from '../src/linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../src/linux/netlink/socket.ts';
import { TCP_FLAGS } from '../src/net/headers/tcp.ts';
import { fillImage, frameWith } from './fast-path-traffic.ts';
import { Generator } from './generated-traffic.ts';
import { type Sample, summarize } from './statistics.ts';

export interface VethResult {
  /** Frames per second that came back, of 64 bytes: through the director, and from a program that only sends them back. */
  readonly director: Sample;
  readonly reflect: Sample;
  readonly ratio: number;
}

const CAPACITY = { slots: 1 << 18, flows: 1 << 12 } as const;
const FRAMES_PER_ROUND = 1_000_000;
/** A busy machine loses some; a program that sends none back is not measured. */
const LEAST_PART = 10;

/*
 *   generator namespace                      director namespace
 *   generate ── eth0 ══════ veth ══════ eth0  director | reflect
 *   sink (counts) <──── what is sent back ────┘
 */
export function benchVeth(rounds: number): VethResult {
  using handles = new DisposableStack();
  const [near, far] = [`culvert-veth-${process.pid}-a`, `culvert-veth-${process.pid}-b`];
  for (const name of [near, far]) {
    createNamespace(name);
    handles.defer(() => deleteNamespace(name));
  }
  connectNamespaces({ namespace: near, name: 'eth0' }, { namespace: far, name: 'eth0' });
  const nearLink = linkOf(near);
  const farLink = linkOf(far);
  const traffic = handles.use(openBpfObject('build/bpf/traffic.bpf.o'));
  attach(handles, {
    namespace: near,
    ifIndex: nearLink.index,
    program: handles.use(traffic.program('sink')),
  });
  const programs = {
    director: loadDirector(handles, farLink.index),
    reflect: handles.use(traffic.program('reflect')),
  };
  const link = attach(handles, { namespace: far, ifIndex: farLink.index, program: programs.reflect });
  const generator = handles.use(
    new Generator({ namespace: near, ifIndex: nearLink.index, frame: frameWith(TCP_FLAGS.ack) }),
  );
  const rates = { director: [] as number[], reflect: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const name of ['reflect', 'director'] as const) {
      link.update(programs[name]);
      rates[name].push(measure(generator, traffic));
    }
  }
  const [director, reflect] = [summarize(rates.director), summarize(rates.reflect)];
  return { director, reflect, ratio: director.median / reflect.median };
}

function measure(generator: Generator, traffic: BpfObject): number {
  using received = traffic.map('received');
  const before = Number(received.sumOverCpus()[0]);
  const startedMs = performance.now();
  generator.send(FRAMES_PER_ROUND);
  const frames = Number(received.sumOverCpus()[0]) - before;
  if (frames < FRAMES_PER_ROUND / LEAST_PART)
    throw new Error(`${frames} of ${FRAMES_PER_ROUND} frames came back`);
  return (1000 * frames) / (performance.now() - startedMs);
}

function loadDirector(handles: DisposableStack, ifIndex: number): BpfProgram {
  const object = handles.use(openBpfObject('build/bpf/director.bpf.o', { mapSizes: mapSizes(CAPACITY) }));
  const image = handles.use(mapImage(handles.adopt(mapsOf(object), closeMaps)));
  fillImage(image.memory, { case: 'mh-stable', family: 4, ifIndex });
  return handles.use(object.program('director'));
}

function attach(
  handles: DisposableStack,
  to: { readonly namespace: string; readonly ifIndex: number; readonly program: BpfProgram },
): XdpLink {
  const link = inNamespace(to.namespace, () => XdpLink.create(to.program, to.ifIndex, 'native'));
  handles.defer(() => {
    link.detach();
    link[Symbol.dispose]();
  });
  return link;
}

function linkOf(namespace: string): Link {
  using socket = new NetlinkSocket(namespace);
  const link = findLink(socket, 'eth0');
  if (link === undefined) throw new RangeError(`${namespace} has no eth0`);
  return link;
}
