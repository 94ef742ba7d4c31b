import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Expectations } from '../../../src/lab/expectations.ts';
import type { LabOutcome } from '../../../src/lab/lab-options.ts';
import { type MtuStory, tellMtuStory } from '../../../src/lab/mtu-story.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { listNamespaces } from '../../../src/linux/namespaces/netns.ts';

const obstacle = topologyObstacle();
const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));
const PINS = '/sys/fs/bpf/culvert';

describe.skipIf(obstacle !== undefined)(
  `the MTU story, on captures${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;
    let story: MtuStory;
    const unmet: string[] = [];

    beforeAll(async () => {
      lab = await NamespaceLab.open(`mtu${process.pid}`);
      const expectations = new Expectations(({ name, met, detail }) => {
        if (!met) unmet.push(`${name}: ${detail}`);
      });
      story = await tellMtuStory(lab, expectations, { hangMs: 4000 });
    });

    afterAll(async () => {
      await lab[Symbol.asyncDispose]();
    });

    test('1460 bytes of data are refused with MTU 1480, 1440 go through with an outer length of 1500', () => {
      expect(story.learned).toMatchObject({
        firstDataBytes: 1460,
        icmpMtuAtClient: 1480,
        usualDataBytes: 1440,
        largestOuterBytes: 1500,
        completed: true,
      });
    });

    test('with that ICMP filtered at the router and no clamp the upload hangs', () => {
      expect(story.filtered).toMatchObject({ icmpMtuAtClient: undefined, completed: false });
      expect(story.filtered.icmpSent).toBeGreaterThan(0);
    });

    test('with the clamp at 1400 the SYN-ACK says so; 1454 bytes arrive, 1474 leave, and it completes without ICMP', () => {
      expect(story.clamped).toMatchObject({
        synAckMss: 1400,
        firstDataBytes: 1400,
        largestInnerBytes: 1454 - 14,
        largestOuterBytes: 1474 - 14,
        icmpSent: 0,
        completed: true,
      });
    });

    test('without the clamp the director cures a client that ICMP does not reach', () => {
      expect(story.cured).toMatchObject({
        icmpMtuAtClient: undefined,
        usualDataBytes: 1460,
        completed: true,
      });
    });

    test('the demo is of the same opinion', () => {
      expect(unmet).toEqual([]);
    });
  },
);

describe.skipIf(obstacle !== undefined)(`the demo${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  test('plays the whole scenario, prints the outcome and leaves nothing behind', async () => {
    const lab = promisify(execFile)(CULVERT, ['lab', '--for', '15s', '--json', '--plane', 'xdp']);
    const { pid } = lab.child;

    const outcome = JSON.parse((await lab).stdout) as LabOutcome;
    expect(outcome.expectations.filter(({ met }) => !met)).toEqual([]);
    expect(outcome).toMatchObject({
      outcome: 'as expected',
      plane: expect.stringContaining('xdp, native mode'),
    });
    expect(outcome.requests.requests).toBeGreaterThan(0);
    expect(listNamespaces().filter((name) => name.startsWith(`culvert-${pid}-`))).toEqual([]);
    expect(readdirSync(PINS).filter((name) => name.startsWith(`lab-${pid}`))).toEqual([]);
  });

  test('takes everything down again when it is ended half-way', async () => {
    const lab = spawn(CULVERT, ['lab', '--json', '--plane', 'xdp'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const prefix = `culvert-${lab.pid}-`;
    await once(lab.stderr, 'data');
    expect(listNamespaces().some((name) => name.startsWith(prefix))).toBe(true);
    lab.kill('SIGINT');
    const [status] = (await once(lab, 'exit')) as [number | null];
    expect(status).toBe(0);
    expect(listNamespaces().filter((name) => name.startsWith(prefix))).toEqual([]);
    expect(readdirSync(PINS).filter((name) => name.startsWith(`lab-${lab.pid}`))).toEqual([]);
  });
});
