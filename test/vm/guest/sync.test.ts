// kernel IPVS k:eth0 ── eth0:h, which speaks the synchronisation protocol with culvert's codec and sockets
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { knownFlow } from '../../../src/director/sync/sync-flow.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { MulticastReceiver, MulticastSender } from '../../../src/linux/sockets/multicast-socket.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import {
  decodeSyncMessage,
  encodeSyncMessages,
  isSyncFault,
  SYNC_FLAGS,
  type SyncConnection,
} from '../../../src/sync/sync-message.ts';
import { tcpBetween } from '../../system/xdp-plane/ip-packets.ts';
import { WiredNetwork } from '../../system/xdp-plane/wired-network.ts';

const [VIP, CLIENT, NEW_CLIENT] = [ip('192.0.2.10'), ip('198.51.100.7'), ip('198.51.100.99')];
const WITHIN = { timeout: 30_000 };

const CONNECTION: SyncConnection = {
  protocol: 6,
  flags: SYNC_FLAGS.tunnel | SYNC_FLAGS.noOutput,
  state: 1,
  client: CLIENT,
  clientPort: 2000,
  vip: VIP,
  port: 80,
  real: ip('10.9.0.2'),
  realPort: 80,
  fwmark: 0,
  timeoutS: 900,
};

test('kernel IPVS takes our messages as a backup, and we take its own as a master', async () => {
  using network = new WiredNetwork();
  network.addHosts('k', 'h');
  await network.cable('k:eth0', 'h:eth0');
  await network.ip('k', 'address add 10.0.0.1/24 dev eth0', 'route add default via 10.0.0.2');
  await network.ip('k', 'address add 192.0.2.10/32 dev lo');
  await network.ip('h', 'address add 10.0.0.2/24 dev eth0');
  const [k, h] = [network.namespace('k'), network.namespace('h')];
  execFileSync('modprobe', ['ip_vs']);
  const ipvsadm = (line: string): void => {
    execFileSync('nsenter', [`--net=/run/netns/${k}`, 'ipvsadm', ...line.split(' ')]);
  };
  ipvsadm('-A -t 192.0.2.10:80 -s rr -p 300');
  for (const real of ['10.9.0.1', '10.9.0.2']) ipvsadm(`-a -t 192.0.2.10:80 -r ${real} -i`);
  for (const role of ['backup', 'master'])
    ipvsadm(`--start-daemon ${role} --mcast-interface eth0 --syncid 5`);
  const place = { group: ip('224.0.0.81'), port: 8848, ifIndex: network.link('h').index };
  using sender = inNamespace(h, () => new MulticastSender(place, 1));
  const sizes = { bufferBytes: 1 << 20, payloadBytes: 9000 };
  using receiver = inNamespace(h, () => new MulticastReceiver(place, sizes));

  const connections = Array.from({ length: 100 }, (_, i) => ({ ...CONNECTION, clientPort: 2000 + i }));
  const template = { ...CONNECTION, clientPort: 0, state: 0, flags: CONNECTION.flags | SYNC_FLAGS.template };
  for (const message of encodeSyncMessages(5, [...connections, template])) sender.send(message);
  const known = (): string[] => {
    const text = inNamespace(k, () => readFileSync('/proc/thread-self/net/ip_vs_conn', 'utf8'));
    return text.split('\n').filter((line) => line.includes('C6336407') && line.includes('0A090002'));
  };
  await vi.waitFor(() => expect(known()).toHaveLength(101), WITHIN);

  const capture = network.capture('h');
  const frame = {
    source: network.link('h').mac,
    destination: network.link('k').mac,
    etherType: ETHERTYPE.ipv4,
  };
  const ends = { source: NEW_CLIENT, destination: VIP };
  for (const flags of [TCP_FLAGS.syn, ...Array.from({ length: 6 }, () => TCP_FLAGS.ack)])
    capture.send(buildEthernet(frame, tcpBetween(ends, { sourcePort: 999, flags })));
  const heard: SyncConnection[] = [];
  await vi.waitFor(() => {
    for (let got = receiver.receive(); got !== undefined; got = receiver.receive()) {
      const message = decodeSyncMessage(got.payload);
      if (isSyncFault(message)) throw new Error(message);
      heard.push(...message.connections);
    }
    expect(heard.length).toBeGreaterThan(1);
  }, WITHIN);
  const service = { vip: VIP, protocol: 'tcp', port: 80 };
  const flows = heard.map(knownFlow);
  expect(flows).toContainEqual(
    expect.objectContaining({ service, client: NEW_CLIENT, clientPort: 999, state: 'ESTABLISHED' }),
  );
  expect(flows.filter((flow) => flow?.clientPort === 0)).not.toEqual([]);
});
