import { expect, test } from 'vitest';
import { errorsOf, FILE, read } from '../read.ts';

/** Not the simulated network, which has no BFD. */
const DIRECTOR = { director: { interface: 'eth0' } };

/** A file with these blocks in front, and this check of its only real server. */
function fileWith(before: string, check: string): string {
  return `${before}
virtual_server 192.0.2.10 80 {
lvs_method TUN
protocol TCP
alpha
retry 7
real_server 10.0.3.2 80 {
${check}
}
}
`;
}

const STANDARD = { type: 'bfd', minTx: '10ms', minRx: '10ms', idleTx: '1s', multiplier: 5, alpha: true };

test.each([
  [
    "keepalived's defaults",
    'bfd_instance B { neighbor_ip 10.0.3.2 }',
    'BFD_CHECK { name B }',
    { ...STANDARD, neighbor: '10.0.3.2' },
  ],
  [
    'over IPv6 it has another hop limit',
    'bfd_instance B {\nneighbor_ip 2001:db8::2\nmax_hops 1\n}',
    'BFD_CHECK { name B }',
    { ...STANDARD, neighbor: '2001:db8::2', ttl: 64, maxHops: 1 },
  ],
  [
    'all that an instance may have',
    `bfd_instance B {
neighbour_ip 10.0.9.9
source_ip 10.0.0.1
min_tx 250
min_rx 3.312
idle_tx 2000
multiplier 7
passive
ttl 100
max_hops -1
weight 10 reverse
vrrp
checker
}`,
    'BFD_CHECK {\nname B\nalpha off\n}',
    {
      type: 'bfd',
      neighbor: '10.0.9.9',
      source: '10.0.0.1',
      minTx: '250ms',
      minRx: '3ms',
      idleTx: '2s',
      multiplier: 7,
      passive: true,
      ttl: 100,
      maxHops: 255,
      alpha: false,
    },
  ],
])('%s', (_description, before, check, expected) => {
  const { plain } = read(fileWith(before, check), DIRECTOR);
  expect(plain.services[0]?.reals[0]).toHaveProperty('check', expected);
});

test.each([
  ['bfd_instance { neighbor_ip 10.0.0.2 }', '1:1', 'bfd_instance: found nothing; allowed: a unique name'],
  ['bfd_instance B { }', '1:1', 'the neighbor is missing'],
  ['bfd_instance B { neighbor_ip x }', '1:30', "found 'x'; allowed: neighbor_ip ADDRESS"],
  ['bfd_instance B {\nneighbor_ip 10.0.0.2\nmin_rx 0.5\n}', '3:8', "found '0.5'; allowed: milliseconds"],
  ['bfd_instance B {\nneighbor_ip 10.0.0.2\nidle_tx 999\n}', '3:9', 'from 1000 to 4294967'],
  ['bfd_instance B {\nneighbor_ip 10.0.0.2\nmultiplier 0\n}', '3:12', 'from 1 to 255'],
  ['bfd_instance B {\nneighbor_ip 10.0.0.2\nhoplimit 256\n}', '3:10', 'from 1 to 255'],
  ['bfd_instance B {\nneighbor_ip 10.0.0.2\nmax_hops -2\n}', '3:10', 'from -1 to 255'],
  ['bfd_instance B {\nneighbor_ip 10.0.0.2\nbogus\n}', '3:1', "unknown keyword 'bogus'"],
  ['bfd_instance B { neighbor_ip 10.0.0.2 }\nbfd_instance B { neighbor_ip 10.0.0.3 }', '2:14', "found 'B'"],
])('%s', (before, where, words) => {
  const errors = errorsOf(fileWith(before, 'TCP_CHECK { }'), { ...DIRECTOR, strict: true });
  expect(errors.find((error) => error.startsWith(`${FILE}:${where}: `))).toContain(words);
});

/** The second is for VRRP alone. */
const INSTANCES = 'bfd_instance B { neighbor_ip 10.0.0.2 }\nbfd_instance V {\nneighbor_ip 10.0.0.3\nvrrp\n}';

test.each([
  ['BFD_CHECK { name G }', '12:18', "found 'G'; allowed: the name of a bfd_instance for checks (B)"],
  ['BFD_CHECK { name V }', '12:18', "found 'V'; allowed: the name of a bfd_instance for checks (B)"],
  ['BFD_CHECK { }', '12:1', 'BFD_CHECK: found nothing'],
  ['BFD_CHECK { retry 3 }', '12:13', "unknown keyword 'retry'"],
])('%s', (check, where, words) => {
  const errors = errorsOf(fileWith(INSTANCES, check), { ...DIRECTOR, strict: true });
  expect(errors.find((error) => error.startsWith(`${FILE}:${where}: `))).toContain(words);
});
