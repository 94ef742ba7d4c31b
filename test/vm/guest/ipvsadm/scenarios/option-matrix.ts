const S = '-t 192.0.2.10:80';
const R = '-r 10.0.3.2';

/** Commands with what they need, so that one more option is the only thing that can be wrong. */
const COMMANDS = [
  `-A ${S}`,
  `-E ${S}`,
  `-D ${S}`,
  '-C',
  '-L',
  '-S',
  '-R',
  `-a ${S} ${R}`,
  `-e ${S} ${R}`,
  `-d ${S} ${R}`,
  '-Z',
  '--set 900 120 300',
  '--start-daemon master',
  '--stop-daemon master',
];

const OPTIONS = [
  S,
  '-u 192.0.2.10:80',
  '-f 7',
  '-s rr',
  '-p 300',
  '-M 255.255.255.0',
  R,
  '-g',
  '-i',
  '-m',
  '-w 2',
  '-x 20',
  '-y 10',
  '-c',
  '-n',
  '--mcast-interface eth0',
  '--syncid 1',
  '--timeout',
  '--daemon',
  '--stats',
  '--rate',
  '--thresholds',
  '--persistent-conn',
  '--nosort',
  '--sort',
  '--exact',
  '-6',
  '-o',
  '--pe sip',
  '-b sh-port',
  '--sync-maxlen 1400',
  '--mcast-group 224.0.0.9',
  '--mcast-port 9000',
  '--mcast-ttl 2',
  '--tun-info',
  '--tun-type gue',
  '--tun-port 6080',
  '--tun-nocsum',
  '--tun-csum',
  '--tun-remcsum',
];

/** Only that an option is refused is told by these: what the command then would do is in other sets. */
export function optionMatrix(): Record<string, string[]> {
  return Object.fromEntries(
    COMMANDS.map((command) => [
      `${command}, one option more`,
      OPTIONS.flatMap((option) => ['-C', `${command} ${option}`]),
    ]),
  );
}
