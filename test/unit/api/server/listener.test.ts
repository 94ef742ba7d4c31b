// Who is let in over TCP, seen by stock clients: curl, Node's, and bytes on a socket.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { listenApi, prepareListeners, type RunningApi } from '../../../../src/api/server/listen.ts';
import type { ListenConfig } from '../../../../src/contract/config/listen-config.ts';
import { ControlDouble } from '../control-double.ts';

const run = promisify(execFile);
const TOKEN = '0123456789abcdef0123456789abcdef';

let certificates: string;
let directory: string;
let control: ControlDouble;
let api: RunningApi | undefined;
let faults: string[];

beforeAll(async () => {
  certificates = await mkdtemp(join(tmpdir(), 'culvert-certificates-'));
  await certificate('server');
  await certificate('client');
});

afterAll(() => rm(certificates, { recursive: true }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-listener-'));
  control = new ControlDouble();
  faults = [];
});

afterEach(async () => {
  await api?.close();
  api = undefined;
  await rm(directory, { recursive: true });
});

/** A certificate that is its own authority. */
async function certificate(name: string): Promise<void> {
  const [key, crt] = [`${name}.key`, `${name}.crt`].map((file) => join(certificates, file));
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await run('openssl', ['req', ...kind, '-keyout', `${key}`, '-out', `${crt}`, ...subject]);
}

async function listen(more: Partial<ListenConfig> = {}, setting = 'listen'): Promise<string> {
  const config = {
    address: '127.0.0.1',
    port: 0,
    names: undefined,
    tokenFile: undefined,
    tls: undefined,
    ...more,
  };
  const settings = { listen: undefined, metricsListen: undefined, [setting]: config };
  const listeners = await prepareListeners(settings, (fault) => void faults.push(fault));
  const socketPath = join(directory, 'culvert.sock');
  api = await listenApi({ control, version: '1', onDown: () => undefined, socketPath, listeners });
  return api.urls[0] ?? '';
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

async function curl(url: string, ...options: string[]): Promise<Answer> {
  const { stdout } = await run('curl', ['-s', '-w', '\n%{http_code}', '--max-time', '30', ...options, url]);
  const [status = '', ...lines] = stdout.split('\n').toReversed();
  const body = lines.toReversed().join('\n');
  const found = /^\{.*\}$/.test(body) ? (JSON.parse(body) as { code?: string; message?: string }) : {};
  return { status: Number(status), code: found.message === undefined ? undefined : found.code };
}

const post = (body: unknown): string[] => [
  '-X',
  'POST',
  '-H',
  'content-type: application/json',
  '-d',
  JSON.stringify(body),
];
const DRAIN = post({ address: '10.0.1.2' });
const bearer = (token: string): string[] => ['-H', `Authorization: Bearer ${token}`];

describe('over TCP', () => {
  test('without token or client certificates every route only reads', async () => {
    const url = await listen();
    for (const path of ['status', 'services', 'reals', 'stats', 'flows', 'events', 'openapi.json'])
      expect(await curl(`${url}/v1/${path}`), path).toMatchObject({ status: 200 });
    expect(await curl(`${url}/metrics`)).toMatchObject({ status: 200 });
    const document = (await (await fetch(`${url}/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, unknown>>;
    };
    const changing = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'get' && method !== 'head' && path !== '/v1/explain')
        .map((method) => ({ path, method: method.toUpperCase() })),
    );
    expect(changing.length).toBeGreaterThan(9);
    for (const { path, method } of [...changing, { path: '/v1/config', method: 'GET' }]) {
      const response = await fetch(url + path, { method });
      expect([path, response.status, await response.json()]).toEqual([
        path,
        403,
        expect.objectContaining({ code: 'PERMISSION' }),
      ]);
    }
    expect(await curl(`${url}/v1/explain`, ...post({ packet: '45000014' }))).toMatchObject({ status: 200 });
    expect(control.calls).toEqual(['explain 45000014']);
  });

  test('only a name of the listener is answered, whatever Origin says', async () => {
    const url = await listen({ names: ['Director.example'] });
    const { port } = new URL(url);
    const from = (host: string, origin?: string): Promise<Answer> =>
      curl(`${url}/v1/reals`, '-H', `Host: ${host}`, ...(origin ? ['-H', `Origin: ${origin}`] : []));
    for (const host of [`127.0.0.1:${port}`, '127.0.0.1', `localhost:${port}`, 'LOCALHOST.'])
      expect(await from(host), host).toMatchObject({ status: 200 });
    expect(await from(`127.0.0.1:${port}`, `http://127.0.0.1:${port}`)).toMatchObject({ status: 200 });
    for (const host of [`evil.example:${port}`, '127.0.0.2', '[::1]', 'director.example.evil'])
      expect(await from(host), host).toEqual({ status: 403, code: 'FOREIGN_PAGE' });
    const rebound = await from(`evil.example:${port}`, `http://evil.example:${port}`);
    expect(rebound).toEqual({ status: 403, code: 'FOREIGN_PAGE' });
    for (const origin of ['http://evil.example', 'null', `https://127.0.0.1:${port}`, 'http://127.0.0.1:1'])
      expect(await from(`127.0.0.1:${port}`, origin), origin).toEqual({ status: 403, code: 'FOREIGN_PAGE' });
    const site = ['-H', 'Sec-Fetch-Site: cross-site'];
    expect(await curl(`${url}/v1/reals`, ...site)).toEqual({ status: 403, code: 'FOREIGN_PAGE' });
    for (const host of ['a b', 'a@b', '[::1', '']) expect((await from(host)).status, host).toBe(400);
  });

  test('the configured names are answered, on all addresses also the one connected to', async () => {
    const url = await listen({ address: '0.0.0.0', names: ['Director.Example'].map((n) => n.toLowerCase()) });
    const { port } = new URL(url);
    const at = (address: string, host: string): Promise<Answer> =>
      curl(`http://${address}:${port}/v1/reals`, '-H', `Host: ${host}`);
    expect(await at('127.0.0.1', 'DIRECTOR.example:80')).toMatchObject({ status: 200 });
    expect(await at('127.0.0.9', '127.0.0.9')).toMatchObject({ status: 200 });
    expect(await at('127.0.0.9', '127.0.0.1')).toEqual({ status: 403, code: 'FOREIGN_PAGE' });
    expect(await at('127.0.0.1', 'evil.example')).toEqual({ status: 403, code: 'FOREIGN_PAGE' });
  });
});

describe('a token', () => {
  async function tokenFile(content = `${TOKEN}\n`, mode = 0o600): Promise<string> {
    const path = join(directory, 'token');
    await writeFile(path, content);
    await chmod(path, mode);
    return path;
  }

  test('is needed for everything, and is enough for everything', async () => {
    const url = await listen({ tokenFile: await tokenFile() });
    for (const wrong of [[], bearer(`${TOKEN}0`), bearer(''), ['-H', `Authorization: Basic ${TOKEN}`]]) {
      expect(await curl(`${url}/v1/reals`, ...wrong)).toEqual({ status: 401, code: 'UNAUTHORIZED' });
      expect(await curl(`${url}/nothing`, ...wrong)).toEqual({ status: 401, code: 'UNAUTHORIZED' });
    }
    expect(await curl(`${url}/v1/reals`, ...bearer(TOKEN))).toMatchObject({ status: 200 });
    expect(await curl(`${url}/v1/reals/drain`, ...DRAIN, ...bearer(TOKEN))).toMatchObject({ status: 200 });
    const foreign = ['-H', 'Host: evil.example'];
    expect(await curl(`${url}/v1/reals`, ...foreign, ...bearer(TOKEN))).toMatchObject({ status: 403 });
    expect(control.calls).toEqual(['drain 10.0.1.2']);
  });

  test('is read again when its file changes; without a usable file none is right', async () => {
    const path = await tokenFile();
    const url = await listen({ tokenFile: path });
    const other = TOKEN.replaceAll('0', 'f');
    const status = async (token: string): Promise<number> =>
      (await curl(`${url}/v1/reals`, ...bearer(token))).status;
    expect(await status(TOKEN)).toBe(200);
    await tokenFile(other);
    expect([await status(TOKEN), await status(other)]).toEqual([401, 200]);
    await chmod(path, 0o640);
    expect([await status(other), await status('')]).toEqual([401, 401]);
    expect(faults).toEqual([expect.stringMatching(/^director\.listen: .*chmod 600/)]);
    await chmod(path, 0o600);
    expect(await status(other)).toBe(200);
    await unlink(path);
    expect(await status(other)).toBe(401);
    expect(faults).toHaveLength(2);
  });

  test.each([
    [TOKEN, 0o644, 'PERMISSION', /chmod 600/],
    [TOKEN, 0o620, 'PERMISSION', /chmod 600/],
    ['short', 0o600, 'CONFIG_INVALID', /16 or more/],
    ['', 0o600, 'CONFIG_INVALID', /openssl rand/],
    ['a token with blanks in it', 0o600, 'CONFIG_INVALID', /one line/],
    ['x'.repeat(5000), 0o600, 'CONFIG_INVALID', /one line/],
  ])('file %j of mode %o starts nothing: %s', async (content, mode, code, message) => {
    const path = await tokenFile(content, mode);
    await expect(listen({ tokenFile: path })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

const pem = (name: string): string => join(certificates, name);
const trust = (): string[] => ['--cacert', pem('server.crt')];

describe('TLS', () => {
  test('without client certificates encrypts, and still only reads', async () => {
    const tls = { certificate: pem('server.crt'), key: pem('server.key'), clientCa: undefined };
    const url = await listen({ tls });
    expect(url).toMatch(/^https:/);
    expect(await curl(`${url}/v1/reals`, ...trust())).toMatchObject({ status: 200 });
    expect(await curl(`${url}/v1/reals/drain`, ...trust(), ...DRAIN)).toMatchObject({ code: 'PERMISSION' });
    await expect(curl(`${url}/v1/reals`)).rejects.toThrow();
    await expect(curl(url.replace('https', 'http'))).rejects.toThrow();
  });

  test('with client certificates lets in who has one, for everything', async () => {
    const tls = { certificate: pem('server.crt'), key: pem('server.key'), clientCa: pem('client.crt') };
    const url = await listen({ tls });
    const own = ['--cert', pem('client.crt'), '--key', pem('client.key')];
    const others = ['--cert', pem('server.crt'), '--key', pem('server.key')];
    expect(await curl(`${url}/v1/reals/drain`, ...trust(), ...own, ...DRAIN)).toMatchObject({ status: 200 });
    await expect(curl(`${url}/v1/reals`, ...trust())).rejects.toThrow();
    await expect(curl(`${url}/v1/reals`, ...trust(), ...others)).rejects.toThrow();
    expect(control.calls).toEqual(['drain 10.0.1.2']);
  });

  test('with files that do not fit, or a key for all to read, starts nothing', async () => {
    const key = join(directory, 'open.key');
    await writeFile(key, '');
    await chmod(key, 0o644);
    for (const [tls, code] of [
      [{ certificate: pem('server.crt'), key: pem('client.key') }, 'CONFIG_INVALID'],
      [{ certificate: pem('server.crt'), key }, 'PERMISSION'],
      [{ certificate: pem('none.crt'), key: pem('server.key') }, 'CONFIG_UNREADABLE'],
    ] as const)
      await expect(listen({ tls: { ...tls, clientCa: undefined } })).rejects.toMatchObject({ code });
  });
});

test('metricsListen serves /metrics and nothing else', async () => {
  const url = await listen({}, 'metricsListen');
  expect(await curl(`${url}/metrics`)).toMatchObject({ status: 200 });
  for (const path of ['/', '/v1/status', '/v1/reals', '/v1/openapi.json', '/v1/events/stream'])
    expect(await curl(url + path), path).toEqual({ status: 404, code: 'API' });
  expect(await curl(`${url}/metrics`, ...DRAIN)).toEqual({ status: 404, code: 'API' });
  expect(await curl(`${url}/metrics`, '-H', 'Host: evil.example')).toMatchObject({ status: 403 });
});

async function answerTo(bytes: string): Promise<{ status: number; body: unknown }> {
  const { port, hostname } = new URL((api?.urls[0] ?? '') || (await listen()));
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(bytes);
  const answer = await text(socket);
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), body: JSON.parse(body) };
}

describe('what is no request is answered in the documented form', () => {
  const long = 'x'.repeat(20_000);
  const end = 'Host: localhost\r\nConnection: close\r\n';
  test.each([
    ['rubbish', 'rubbish\r\n\r\n', 400],
    ['no Host', 'GET /v1/reals HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['two Hosts', `GET /v1/reals HTTP/1.1\r\nHost: evil.example\r\n${end}\r\n`, 400],
    ['a long line', `GET /${long} HTTP/1.1\r\n${end}\r\n`, 431],
    ['a long field', `GET / HTTP/1.1\r\nX: ${long}\r\n${end}\r\n`, 431],
    ['a wrong length', `POST /v1/reload HTTP/1.1\r\nContent-Length: x\r\n${end}\r\n`, 400],
    ['two lengths', `POST /v1/reload HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n${end}\r\n`, 400],
    ['a wrong method', `BREW / HTTP/1.1\r\n${end}\r\n`, 400],
    ['a tunnel', `CONNECT evil.example:443 HTTP/1.1\r\n${end}\r\n`, 405],
    ['an expectation', `POST /v1/reload HTTP/1.1\r\nExpect: miracles\r\n${end}\r\n`, 417],
    ['a bad escape', `GET /%zz HTTP/1.1\r\n${end}\r\n`, 400],
    ['no route', `GET /v2 HTTP/1.1\r\n${end}\r\n`, 404],
    ['a whole URL', `GET http://evil.example/v1/reals HTTP/1.1\r\n${end}\r\n`, 400],
  ])('%s', async (_name, bytes, status) => {
    const answer = await answerTo(bytes);
    expect(answer).toEqual({
      status,
      body: { code: expect.any(String), message: expect.stringMatching(/./) },
    });
  });

  test('a body too long, of another type, or no JSON', async () => {
    await writeFile(join(directory, 'token'), TOKEN, { mode: 0o600 });
    const url = await listen({ tokenFile: join(directory, 'token') });
    await writeFile(join(directory, 'big'), ' '.repeat(2 << 20));
    const send = (type: string, data: string): Promise<Answer> =>
      curl(`${url}/v1/explain`, ...bearer(TOKEN), '-H', `content-type: ${type}`, '--data-binary', data);
    expect(await send('application/json', `@${directory}/big`)).toEqual({ status: 413, code: 'API' });
    expect(await send('text/csv', '1')).toEqual({ status: 415, code: 'API' });
    expect(await send('application/json', '{')).toEqual({ status: 400, code: 'API' });
  });
});
