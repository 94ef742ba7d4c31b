import type { AdmSet } from '../scenarios.ts';

const TABLE = [
  '-A -t 192.0.2.10:80 -s rr',
  '-a -t 192.0.2.10:80 -r 10.0.3.2:80 -i -w 1 -x 1000 -y 500',
  'ipvsadm -a -t 192.0.2.10:80 -r 10.0.3.3:80 -i -w 2',
  '',
  '   -A   -u\t192.0.2.10:53   -s   rr  -o  ',
  '-a -u 192.0.2.10:53 -r 10.0.3.3:53 -i',
  '',
].join('\n');

export const RESTORE: AdmSet = {
  description: 'What -R reads',
  scenarios: {
    'a table': [{ run: '-R', stdin: TABLE }, '-Ln --thresholds', { run: '--restore', stdin: '-C\n' }, '-Ln'],
    'into a table that is not empty': ['-A -t 192.0.2.10:80 -s wrr', { run: '-R', stdin: TABLE }, '-Ln'],
    nothing: [
      { run: '-R', stdin: '' },
      { run: '-R', stdin: '\n\n   \n' },
      { run: '-R', stdin: 'ipvsadm\n' },
      { run: '-R', stdin: 'ipvsadm' },
    ],
    'lines with errors': [
      { run: '-R', stdin: '-A -t 192.0.2.10:80 -s nosuch\n-A -t 192.0.2.10:81 -s rr\n' },
      '-Ln',
      {
        run: '-R',
        stdin: '-A -t 192.0.2.10:82 -s rr\n-A -t 192.0.2.10:82 -s rr\n-A -t 192.0.2.10:83 -s rr\n',
      },
      '-Ln',
      { run: '-R', stdin: '-A -t 192.0.2.10:84 -s rr\n-A -t 192.0.2.10:84 -s rr\n' },
      { run: '-R', stdin: '-A -t 192.0.2.10:85 -s rr\n-A -t foo -s rr\n-A -t 192.0.2.10:86 -s rr\n' },
      '-Ln',
      { run: '-R', stdin: '-A -t 192.0.2.10:87 --foo\n-A -t 192.0.2.10:88 -s rr\n' },
      '-Ln',
      { run: '-R', stdin: '-k\n-A -t 192.0.2.10:89 -s rr\n' },
      { run: '-R', stdin: 'garbage\n-A -t 192.0.2.10:90 -s rr\n' },
      { run: '-R', stdin: '# comment\n-A -t 192.0.2.10:91 -s rr\n' },
      { run: '-R', stdin: '-R\n' },
      { run: '-R', stdin: '-h\n-A -t 192.0.2.10:92 -s rr\n' },
      { run: '-R', stdin: '-v\n' },
      { run: '-R', stdin: '-D -t 192.0.2.99:80\n' },
      { run: '-R', stdin: '-A -t 192.0.2.10:93 -s rr' },
      { run: '-R', stdin: '-A -t 192.0.2.10:94 -s rr\r\n' },
      { run: '-R', stdin: '-A -t 192.0.2.10:95 -s rr # why\n' },
      { run: '-R', stdin: 'ipvsadm ipvsadm -A -t 192.0.2.10:96 -s rr\n' },
      { run: '-R', stdin: '/sbin/ipvsadm -A -t 192.0.2.10:97 -s rr\n' },
      '-Ln',
    ],
    'other commands': [
      { run: '-R', stdin: '-A -t 192.0.2.10:80 -s rr\n-Ln\n--set 100 50 60\n-L --timeout\n-S\n-Z\n-L\n' },
      { run: '-R -n', stdin: '-A -t 192.0.2.10:81 -s rr\n' },
      '--set 900 120 300',
      '-Ln',
    ],
  },
};
