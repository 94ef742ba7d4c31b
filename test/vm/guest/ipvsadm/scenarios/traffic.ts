import type { AdmAction } from '../../../../golden/ipvsadm/golden.ts';
import type { AdmSet } from '../scenarios.ts';

const VIP = '192.0.2.10';

function send(text: string): AdmAction {
  return { send: text };
}

/** Newer kernels have the counters ready every two seconds. */
const COUNTED: AdmAction = { waitMs: 4500 };

const LISTS = [
  '-Ln',
  '-L',
  '-Lcn',
  '-Lc',
  '-Lcn --sort',
  `-Lcn -t ${VIP}:80`,
  '-Ln --stats',
  '-Ln --stats --exact',
  '-Ln --persistent-conn',
  '-Ln --thresholds',
];

export const TRAFFIC: AdmSet = {
  description: 'Connections and counters, with packets that went through',
  scenarios: {
    'connections of each protocol and state': [
      `-A -t ${VIP}:80 -s rr`,
      `-a -t ${VIP}:80 -r 10.0.3.2 -i`,
      `-A -u ${VIP}:53 -s rr`,
      `-a -u ${VIP}:53 -r 10.0.3.3 -i`,
      `-A --sctp-service ${VIP}:80 -s rr`,
      `-a --sctp-service ${VIP}:80 -r 10.0.3.3 -i`,
      '-A -t [2001:db8::10]:80 -s rr',
      '-a -t [2001:db8::10]:80 -r 10.0.3.2 -i',
      send(`tcp 198.51.100.1:40000 ${VIP}:80 SYN`),
      send(`tcp 198.51.100.2:40001 ${VIP}:80 SYN`),
      send(`tcp 198.51.100.2:40001 ${VIP}:80 ACK`),
      send(`tcp 198.51.100.3:40002 ${VIP}:80 SYN`),
      send(`tcp 198.51.100.3:40002 ${VIP}:80 ACK`),
      send(`tcp 198.51.100.3:40002 ${VIP}:80 FIN|ACK`),
      send(`tcp 198.51.100.4:40003 ${VIP}:80 SYN`),
      send(`tcp 198.51.100.4:40003 ${VIP}:80 ACK`),
      send(`tcp 198.51.100.4:40003 ${VIP}:80 RST`),
      send(`udp 198.51.100.1:5353 ${VIP}:53`),
      send(`sctp 198.51.100.1:3000 ${VIP}:80 INIT`),
      send(`sctp 198.51.100.1:3000 ${VIP}:80 COOKIE ECHO`),
      send('tcp 2001:db8:9::1:40000 2001:db8::10:80 SYN'),
      send('tcp 2001:db8:9:ffff:ffff:ffff:ffff:1:40001 2001:db8::10:80 SYN'),
      COUNTED,
      ...LISTS,
      `-Z -t ${VIP}:80`,
      '-Ln --stats',
      '-Z',
      '-Ln --stats',
      '-Lc --stats',
    ],
    persistence: [
      `-A -t ${VIP}:443 -s rr -p 300`,
      `-a -t ${VIP}:443 -r 10.0.3.2 -i`,
      `-a -t ${VIP}:443 -r 10.0.3.3 -i`,
      `-A -t ${VIP}:0 -s rr -p 600 -M 255.255.255.0`,
      `-a -t ${VIP}:0 -r 10.0.3.2 -i`,
      '-A -t [2001:db8::10]:443 -s rr -p 60 -M 64',
      '-a -t [2001:db8::10]:443 -r [2001:db8:3::2]:443 -i',
      send(`tcp 198.51.100.1:40000 ${VIP}:443 SYN`),
      send(`tcp 198.51.100.1:40001 ${VIP}:443 SYN`),
      send(`tcp 198.51.100.2:40000 ${VIP}:443 SYN`),
      send(`tcp 198.51.100.3:40000 ${VIP}:8443 SYN`),
      send('tcp 2001:db8:9::1:40000 2001:db8::10:443 SYN'),
      COUNTED,
      ...LISTS,
      '-L --persistent-conn',
    ],
    'great numbers': [
      `-A -u ${VIP}:53 -s rr`,
      `-a -u ${VIP}:53 -r 10.0.3.2 -i`,
      { flood: 2000 },
      COUNTED,
      '-Ln --stats',
      '-Ln --stats --exact',
      { flood: 16_000 },
      COUNTED,
      '-Ln --stats',
      '-Ln --stats --exact',
      '-Ln --rate',
      '-Ln --rate --exact',
    ],
  },
};
