import type { LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ApiServer } from '../../../../src/api/server/api-server.ts';
import { buildApi } from '../../../../src/api/server/server.ts';
import {
  appliedSchema,
  diffSchema,
  reloadSchema,
  runningConfigSchema,
} from '../../../../src/contract/api/configuration.ts';
import { statsSchema, statusSchema } from '../../../../src/contract/api/director-status.ts';
import { eventSchema } from '../../../../src/contract/api/event.ts';
import { explanationSchema } from '../../../../src/contract/api/explanation.ts';
import { flowSchema } from '../../../../src/contract/api/flow.ts';
import { errorSchema } from '../../../../src/contract/api/requests.ts';
import { realSchema, serviceSchema } from '../../../../src/contract/api/service-status.ts';
import { CulvertError } from '../../../../src/errors.ts';
import { ControlDouble } from '../control-double.ts';

let control: ControlDouble;
let app: ApiServer;
let downs: number;

beforeEach(async () => {
  control = new ControlDouble();
  downs = 0;
  app = await buildApi({ control, version: '1.2.3', onDown: () => void downs++ });
});

afterEach(() => app.close());

async function post(url: string, payload: object): Promise<LightMyRequestResponse> {
  return app.inject({ method: 'POST', url, payload });
}

async function put(payload: object): Promise<LightMyRequestResponse> {
  return app.inject({ method: 'PUT', url: '/v1/config', payload });
}

describe('what reads', () => {
  test.each([
    ['/v1/status', statusSchema],
    ['/v1/services', z.array(serviceSchema)],
    ['/v1/reals', z.array(realSchema)],
    ['/v1/stats', statsSchema],
    ['/v1/config', runningConfigSchema],
    ['/v1/events', z.array(eventSchema)],
  ])('%s answers what its schema says, and nothing that it does not name', async (url, schema) => {
    const response = await app.inject(url);
    expect(response.statusCode).toBe(200);
    expect(schema.parse(response.json())).toEqual(response.json());
  });

  test('addresses are text, and what is not there is null', async () => {
    const [first] = (await app.inject('/v1/reals')).json();
    expect(first).toMatchObject({
      service: { protocol: 'tcp', vip: '192.0.2.10', port: 80 },
      address: '10.0.1.2',
      override: null,
      health: { lastError: null },
    });
  });

  test('events begin after the given one', async () => {
    expect((await app.inject('/v1/events?after=1')).json()).toEqual([
      expect.objectContaining({ sequence: 2 }),
    ]);
  });

  test('flows are one JSON object to a line, filtered', async () => {
    const all = await app.inject('/v1/flows');
    expect(all.headers['content-type']).toBe('application/x-ndjson');
    const lines = all.body.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(flowSchema.safeParse(JSON.parse(line)).error).toBeUndefined();
    const some = await app.inject('/v1/flows?service=udp:192.0.2.10:53&client=198.51.100.77');
    expect(
      some.body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).real),
    ).toEqual(['10.0.2.2']);
  });

  test('many flows arrive in order and whole', async () => {
    const [flow] = control.flowRecords;
    if (flow === undefined) throw new Error('the double has no flow');
    control.flowRecords.length = 0;
    for (let port = 1; port <= 10_000; port++) control.flowRecords.push({ ...flow, clientPort: port });
    const ports = (await app.inject('/v1/flows')).body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).clientPort);
    expect(ports).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1));
  });

  test('/metrics is Prometheus text', async () => {
    const response = await app.inject('/metrics');
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.body).toContain('culvert_real_up{');
  });

  test('/v1/openapi.json describes every route', async () => {
    const document = (await app.inject('/v1/openapi.json')).json();
    expect(document.info.version).toBe('1.2.3');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/metrics',
      '/v1/config',
      '/v1/config/confirm',
      '/v1/config/diff',
      '/v1/config/diff/yaml',
      '/v1/config/revert',
      '/v1/down',
      '/v1/events',
      '/v1/events/stream',
      '/v1/explain',
      '/v1/flows',
      '/v1/reals',
      '/v1/reals/drain',
      '/v1/reals/undrain',
      '/v1/reals/weight',
      '/v1/reload',
      '/v1/services',
      '/v1/stats',
      '/v1/stats/zero',
      '/v1/status',
    ]);
    const weight = document.paths['/v1/reals/weight'].post.requestBody.content['application/json'].schema;
    expect(Object.keys(weight.properties)).toEqual(['address', 'service', 'weight']);
  });
});

describe('the running configuration', () => {
  const config = { director: { interface: 'eth0' }, services: [] };

  test('is replaced, on trial or not, and confirmed', async () => {
    const applied = appliedSchema.parse((await put({ config })).json());
    expect(applied).toMatchObject({ realsAdded: 1, revision: 'r2', confirmBefore: null });
    const trial = appliedSchema.parse((await put({ config, revision: 'r1', confirmMs: 60_000 })).json());
    expect(trial.confirmBefore).toBe('2026-01-02T03:05:05.000Z');
    expect(runningConfigSchema.parse((await post('/v1/config/confirm', {})).json()).source).toBe('applied');
    expect(control.calls).toEqual([
      `apply ${JSON.stringify(config)} {}`,
      `apply ${JSON.stringify(config)} {"revision":"r1","confirmMs":60000}`,
      'confirm',
    ]);
  });

  test('that has changed meanwhile, or waits for nothing, is a conflict', async () => {
    for (const response of [await put({ config, revision: 'old' }), await post('/v1/config/revert', {})]) {
      expect(response.statusCode).toBe(409);
      expect(errorSchema.parse(response.json()).code).toBe('CONFLICT');
    }
  });

  test('is compared', async () => {
    const diff = diffSchema.parse((await post('/v1/config/diff', { config })).json());
    expect(diff.services[0]?.reals).toEqual([
      {
        address: '10.0.1.2',
        change: 'changed',
        settings: [{ setting: 'weight', from: '100', to: '50' }],
      },
    ]);
  });

  test.each([
    [{}],
    [{ config: 7 }],
    [{ config, confirmMs: 0 }],
    [{ config, confirmMs: 1e9 }],
    [{ config, x: 1 }],
  ])('a malformed request changes nothing: %j', async (payload) => {
    expect((await put(payload)).statusCode).toBe(400);
    expect(control.calls).toEqual([]);
  });
});

describe('what changes', () => {
  test('a weight is set, in one service or in all', async () => {
    const response = await post('/v1/reals/weight', { address: '10.0.1.2', weight: 7 });
    expect(z.array(realSchema).parse(response.json())[0]).toMatchObject({ override: 7, effectiveWeight: 7 });
    await post('/v1/reals/weight', { address: '10.0.1.2', service: 'tcp:192.0.2.10:80', weight: null });
    expect(control.calls).toEqual(['weight 7 10.0.1.2', 'clear 10.0.1.2 of port 80']);
  });

  test('zero the counters of one service, or of all', async () => {
    const response = await post('/v1/stats/zero', { service: 'udp:192.0.2.10:53' });
    expect(statsSchema.parse(response.json()).services[0]?.sinceZero.packets).toBe(1_234_020);
    await post('/v1/stats/zero', {});
    expect(control.calls).toEqual(['zero udp 192.0.2.10:53', 'zero all']);
  });

  test('drain and undrain', async () => {
    await post('/v1/reals/drain', { address: '10.0.1.2' });
    await post('/v1/reals/undrain', { address: '10.0.1.2' });
    expect(control.calls).toEqual(['drain 10.0.1.2', 'undrain 10.0.1.2']);
  });

  test('reload', async () => {
    const response = await app.inject({ method: 'POST', url: '/v1/reload' });
    expect(reloadSchema.parse(response.json())).toMatchObject({ servicesAdded: 1, servicesRemoved: 2 });
  });

  test('explain takes a packet in hex', async () => {
    const response = await post('/v1/explain', { packet: '45000014' });
    expect(explanationSchema.parse(response.json())).toEqual({
      verdict: 'forward',
      reason: null,
      real: '10.0.1.2',
      to: null,
      packets: ['45000014'],
      sentences: ['It is for tcp 192.0.2.10:80.', 'The ring names 10.0.1.2.'],
    });
  });
});

describe('what goes wrong', () => {
  test('a configuration error is answered as it was worded', async () => {
    control.reloadError = new CulvertError('CONFIG_INVALID', 'unknown key', { where: 'culvert.yaml:3:5' });
    const response = await app.inject({ method: 'POST', url: '/v1/reload' });
    expect(response.statusCode).toBe(422);
    expect(response.json()).toEqual({ code: 'CONFIG_INVALID', message: 'culvert.yaml:3:5: unknown key' });
  });

  test('an unknown real is 404 NOT_FOUND', async () => {
    const response = await post('/v1/reals/drain', { address: '10.9.9.9' });
    expect(response.statusCode).toBe(404);
    expect(response.json()).toEqual({ code: 'NOT_FOUND', message: 'no service has a real 10.9.9.9' });
  });

  test.each([
    ['/v1/reals/weight', { address: '10.0.1.2', weight: 65_536 }, 'weight must be 65535 or less'],
    ['/v1/reals/weight', { address: '10.0.1.2', weight: 1.5 }, 'weight must be a whole number'],
    ['/v1/reals/drain', { address: '10.0.1.999' }, 'address must be an IP address, such as 192.0.2.10'],
    [
      '/v1/reals/drain',
      { address: '10.0.1.2', service: 'web' },
      'service must name a service, such as tcp:192.0.2.10:80',
    ],
    ['/v1/reals/drain', { address: '10.0.1.2', wieght: 1 }, 'Unrecognized key: "wieght"'],
    ['/v1/explain', { packet: '450' }, 'packet must be an IP packet in hex, with two digits per byte'],
  ])('%s %j: %s', async (url, payload, message) => {
    const response = await post(url, payload);
    expect(response.statusCode).toBe(400);
    expect(errorSchema.parse(response.json())).toEqual({ code: 'API', message });
    expect(control.calls).toEqual([]);
  });

  test('no such route, no JSON, no such method', async () => {
    expect((await app.inject('/v2')).json()).toEqual({ code: 'API', message: 'no such route: GET /v2' });
    const broken = await app.inject({
      method: 'POST',
      url: '/v1/explain',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    });
    expect(broken.statusCode).toBe(400);
    expect(errorSchema.parse(broken.json()).code).toBe('API');
    expect((await app.inject('/v1/reload')).statusCode).toBe(404);
  });

  test('a request from a foreign page is refused before it does anything', async () => {
    const foreign = { origin: 'http://evil.example', host: '127.0.0.1:9090' };
    const response = await app.inject({ method: 'POST', url: '/v1/down', headers: foreign });
    expect(response.statusCode).toBe(403);
    expect(control.calls).toEqual([]);
    expect(downs).toBe(0);
    const own = { origin: 'http://127.0.0.1:9090', host: '127.0.0.1:9090' };
    expect((await app.inject({ url: '/v1/reals', headers: own })).statusCode).toBe(200);
  });
});
