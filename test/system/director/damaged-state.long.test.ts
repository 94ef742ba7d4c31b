import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestResult } from '../../../src/lab/environment.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';

const obstacle = topologyObstacle();
const CONNECTIONS = 30;

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  truncated: (path) => truncateSync(path, 40),
  garbage: (path) => writeFileSync(path, Buffer.from('00ff1b5b324a7b22', 'hex')),
  empty: (path) => writeFileSync(path, ''),
  gone: (path) => rmSync(path, { force: true }),
  'a directory': (path) => {
    rmSync(path, { force: true });
    mkdirSync(path);
  },
  // Root reads whatever the mode.
  unreadable: (path) => {
    rmSync(path, { force: true });
    symlinkSync(path, path);
  },
};

/** So patient that a loaded machine fails no real. */
const CHECK = 'check: {type: tcp, interval: 500ms, timeout: 30s, via: tunnel}';

/*
 * client ── router ── director; real1, real2, real3 behind the router (src/lab/namespaces/topology.ts).
 * The client sends requests on held connections and on new ones, while the director is killed and started again.
 */
describe.skipIf(obstacle !== undefined)(
  `damaged state files${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;

    beforeAll(async () => {
      lab = await NamespaceLab.open(`dmg${process.pid}`);
    });

    afterAll(async () => {
      await lab?.[Symbol.asyncDispose]();
    });

    const paths = (): string[] =>
      ['json', 'applied.json'].map((ending) => join(dirname(lab.configPath), `${lab.instance}.${ending}`));

    /** Both files with something in them: what was applied in place of the file, and a weight set by hand. */
    async function keepSomething(): Promise<void> {
      await lab.api.reload();
      const { config } = await lab.api.config();
      await lab.api.apply({ config: { ...config, defaults: { ...config.defaults, blackhole: 'refuse' } } });
      await lab.api.weight({ address: lab.reals[0]?.address ?? '', weight: 90 });
    }

    test.each(['mh', 'wlc'] as const)(
      '%s: no request is lost, as rings and flows keep the key of the pinned maps',
      async (scheduler) => {
        await lab.writeConfig({ scheduler, keys: [CHECK] });
        await lab.api.reload();
        const stop = new AbortController();
        const results: (RequestResult & { readonly after: string })[] = [];
        let damage = 'nothing';
        const held = await lab.holdConnections(CONNECTIONS);
        lab.request((result) => results.push({ ...result, after: damage }), stop.signal);
        await held.settle();
        for (const [name, spoil] of Object.entries(DAMAGES)) {
          await keepSomething();
          await lab.killDirector();
          damage = name;
          for (const path of paths()) spoil(path);
          await lab.startDirector();
          await held.settle();
          const lost = (await lab.events()).filter(({ type }) => type === 'state-lost');
          expect(lost, name).toHaveLength(name === 'gone' ? 0 : 2);
          for (const path of paths()) rmSync(path, { force: true, recursive: true });
        }
        stop.abort();
        expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS, complaints: [] });
        expect(results.length).toBeGreaterThan(100);
        expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
      },
    );
  },
);
