// The real ipvsadm still says what test/golden/ipvsadm has it say; and what it saves is read by culvert's, and the other way round.
import { release } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdmScenario, actionOf, readAdmGolden } from '../../golden/ipvsadm/golden.ts';
import { AdmDirector } from '../../unit/ipvsadm/director.ts';
import { sameWords } from '../same-outcome.ts';
import { IpvsNetwork } from './ipvs/network.ts';
import { ipvsadm, nameHosts, playAdm } from './ipvsadm/play-adm.ts';

/** Without `options`: what ipvsadm says to those is no matter of the kernel. */
const SETS = ['edits', 'listing', 'restore', 'traffic'];
const SERIES = release().split('.').slice(0, 2).join('.');

/** Every option that both have. */
const TABLE = [
  '-A -t 192.0.2.10:80 -s wlc -p 300 -M 255.255.255.0',
  '-a -t 192.0.2.10:80 -r 10.0.3.2 -i -w 5 -x 1000 -y 500',
  '-a -t 192.0.2.10:80 -r 10.0.3.3 -i -w 0 -x 65535',
  '-a -t 192.0.2.10:80 -r 10.0.3.4 -i --tun-type gue --tun-port 6080 --tun-csum',
  '-a -t 192.0.2.10:80 -r 10.0.3.5 -i --tun-type gue --tun-port 6080 --tun-remcsum',
  '-a -t 192.0.2.10:80 -r [2001:db8:3::2]:80 -i --tun-type gre --tun-csum',
  '-A -u 192.0.2.10:53 -s rr -o',
  '-a -u 192.0.2.10:53 -r 10.0.3.2 -i -w 65535 --tun-type gre',
  '-A -u 192.0.2.10:0 -s sh -b sh-fallback,sh-port -p 60',
  '-A --sctp-service 192.0.2.10:80 -s mh -b mh-port',
  '-A --sctp-service 192.0.2.11:80 -s mh',
  '-A -t [2001:db8::10]:443 -s lblcr -p 60 -M 64',
  '-a -t [2001:db8::10]:443 -r [2001:db8:3::2]:443 -i -w 3',
  '',
].join('\n');
const LISTS = ['-Ln', '-Ln --thresholds', '-Ln --tun-info', '-Ln --persistent-conn', '-Ln --stats', '-L'];

describe(`ipvsadm on Linux ${release()}`, () => {
  let network: IpvsNetwork;

  beforeAll(async () => {
    nameHosts();
    network = await IpvsNetwork.open();
  });
  afterAll(() => network?.[Symbol.dispose]());

  test.each(SETS)('%s', async (set) => {
    const known = readAdmGolden(set).scenarios.filter(({ kernels }) => kernels.includes(SERIES));
    expect(known.length, 'scenarios').toBeGreaterThan(0);
    for (const { name, steps } of known.filter(isTimeless)) {
      // Connections would outlive the table.
      using own = steps.some((step) => 'send' in step) ? await IpvsNetwork.open() : undefined;
      const outcomes = await playAdm(own ?? network, steps);
      const played = steps.map((step, index) => ({ ...actionOf(step), ...outcomes[index] }));
      if (!sameWords(played, steps)) expect(played, name).toEqual(steps);
    }
  });

  test('the real one reads what culvert saves, thresholds too', async () => {
    await using director = await AdmDirector.start();
    expect(await director.ipvsadm(['-R'], TABLE)).toEqual({ status: 0 });
    const { stdout: saved = '' } = await director.ipvsadm(['-Sn']);
    ipvsadm(network, ['-C']);
    expect(ipvsadm(network, ['-R'], saved)).toEqual({ status: 0 });
    await expectSameLists(director);
  });

  test('culvert reads what the real one saves', async () => {
    await using director = await AdmDirector.start();
    ipvsadm(network, ['-C']);
    expect(ipvsadm(network, ['-R'], TABLE.replace(/ -[xy] \d+/g, ''))).toEqual({ status: 0 });
    for (const save of ['-Sn', '-S']) {
      const { stdout: saved = '' } = ipvsadm(network, [save]);
      const names = save === '-S' ? saved.replace(/\[www6\.example\.test\]/g, '[2001:db8::10]') : saved;
      await director.ipvsadm(['-C']);
      expect(await director.ipvsadm(['-R'], names)).toEqual({ status: 0 });
      await expectSameLists(director);
    }
  });

  async function expectSameLists(director: AdmDirector): Promise<void> {
    for (const list of LISTS) {
      const words = list.split(' ');
      expect(await director.ipvsadm(words), list).toEqual(ipvsadm(network, words));
    }
  }
});

/** How many datagrams of a flood come through is a matter of time. */
function isTimeless({ steps }: AdmScenario): boolean {
  return steps.every((step) => !('flood' in step));
}
