// Queries the XDP program that is attached to an interface.
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';

export interface AttachedXdp {
  readonly programId: number;
  readonly mode: 'native' | 'generic' | 'offloaded' | 'several';
}

/** Offsets in struct bpf_xdp_query_opts of libbpf 1.x. */
const QUERY = { size: 32, native: 12, offloaded: 16, generic: 20 } as const;

/** The XDP program on an interface; undefined when there is none. */
export function queryXdp(ifIndex: number): AttachedXdp | undefined {
  const options = new Uint8Array(QUERY.size);
  const view = new DataView(options.buffer);
  view.setBigUint64(0, BigInt(QUERY.size), true);
  // libbpf opens a netlink socket for each question.
  withSpareDescriptors(() =>
    check(`ask for the XDP program of interface ${ifIndex}`, libbpf().bpf_xdp_query(ifIndex, 0, options)),
  );
  const attached = (['native', 'offloaded', 'generic'] as const)
    .map((mode) => ({ mode, programId: view.getUint32(QUERY[mode], true) }))
    .filter(({ programId }) => programId !== 0);
  const [first, ...others] = attached;
  if (first === undefined) return undefined;
  return others.length === 0 ? first : { mode: 'several', programId: first.programId };
}
