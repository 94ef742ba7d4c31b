import { spawnSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNamespace } from '../../../../src/linux/namespaces/namespace-thread.ts';
import { type AdmAction, type AdmOutcome, HOSTS, wordsOf } from '../../../golden/ipvsadm/golden.ts';
import { packetOf } from '../../../golden/ipvsadm/packets.ts';
import type { IpvsNetwork } from '../ipvs/network.ts';

/** That they are too long for the tunnel comes after they have been counted. */
const FLOOD = `use IO::Socket::INET;
my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '192.0.2.10:53') or die;
send($socket, 'a' x 60000, 0) for 1..$ARGV[0];`;

/** Of a guest, whose files are thrown away: names come from /etc/hosts alone, as no server answers. */
export function nameHosts(): void {
  const lines = Object.entries(HOSTS).map(([address, name]) => `${address} ${name}\n`);
  appendFileSync('/etc/hosts', lines.join(''));
  writeFileSync('/etc/nsswitch.conf', 'hosts: files\nservices: files\nprotocols: files\n');
}

/** Does one thing after the other, and hands over what `ipvsadm` said each time. */
export async function playAdm(network: IpvsNetwork, actions: readonly AdmAction[]): Promise<AdmOutcome[]> {
  ipvsadm(network, ['-C']);
  ipvsadm(network, ['--set', '900', '120', '300']);
  const outcomes: AdmOutcome[] = [];
  for (const action of actions) outcomes.push(await playAction(network, action));
  return outcomes;
}

async function playAction(network: IpvsNetwork, action: AdmAction): Promise<AdmOutcome> {
  if ('run' in action) return ipvsadm(network, wordsOf(action.run), action.stdin);
  if ('send' in action) await network.exchange([packetOf(action.send)]);
  else if ('waitMs' in action) await sleep(action.waitMs);
  else network.run(['perl', '-e', FLOOD, String(action.flood)]);
  return {};
}

/** On the director of a network. */
export function ipvsadm({ director }: IpvsNetwork, words: readonly string[], input = ''): AdmOutcome {
  const { status, stdout, stderr } = inNamespace(director, () =>
    spawnSync('ipvsadm', words, { input, encoding: 'utf8' }),
  );
  return {
    status: status ?? -1,
    ...(stdout === '' ? {} : { stdout }),
    ...(stderr === '' ? {} : { stderr }),
  };
}
