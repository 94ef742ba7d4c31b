// A worker that runs the fast path on packets of a few flows, as fast as it can, beside others that do the same.
import { workerData } from 'node:worker_threads';
import { BpfProgram } from '../../../src/linux/bpf/bpf-program.ts';
import type { Ipv4Address } from '../../../src/net/address/ipv4-address.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { Random } from '../../fuzz/random.ts';

export interface FlowWriterData {
  readonly programFd: number;
  readonly vip: Ipv4Address;
  readonly port: number;
  readonly clients: number;
  readonly seed: number;
  readonly packets: number;
}

const { syn, ack, fin, rst } = TCP_FLAGS;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const { programFd, vip, port, clients, seed, packets } = workerData as FlowWriterData;
const random = new Random(seed);
const program = new BpfProgram(programFd);
for (let packet = 0; packet < packets; packet++) {
  const source = (0xc6336400 + random.below(clients)) as Ipv4Address;
  const addresses = { source, destination: vip };
  const flags = random.pick([syn, syn, syn, ack, ack, fin | ack, rst]);
  const segment = buildTcp({ ...addresses, sourcePort: 1024, destinationPort: port, flags });
  const data = buildIpv4({ ...addresses, protocol: PROTOCOL.tcp, dontFragment: true }, segment);
  program.testRun({
    data: buildEthernet({ destination: MAC, source: MAC, etherType: ETHERTYPE.ipv4 }, data),
  });
}
