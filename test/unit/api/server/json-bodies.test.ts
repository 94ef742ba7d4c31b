import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiServer } from '../../../../src/api/server/api-server.ts';
import { MAX_JSON_VALUES } from '../../../../src/api/server/json-bodies.ts';
import { buildApi } from '../../../../src/api/server/server.ts';
import { ControlDouble } from '../control-double.ts';

let app: ApiServer;

beforeEach(async () => {
  app = await buildApi({ control: new ControlDouble(), version: '0', onDown: () => undefined });
});

afterEach(() => app.close());

async function put(payload: string): Promise<{ status: number; code: unknown; message: unknown }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await app.inject({ method: 'PUT', url: '/v1/config', headers, payload });
  const { code, message } = answer.json<{ code?: unknown; message?: unknown }>();
  return { status: answer.statusCode, code, message };
}

const inConfig = (value: string): string => `{"config":{"services":${value}}}`;
const list = (item: string, count: number): string =>
  `[${Array.from({ length: count }, () => item).join(',')}]`;

test.each([
  ['numbers', list('1', MAX_JSON_VALUES + 1)],
  ['empty mappings', list('{}', MAX_JSON_VALUES / 2 + 1)],
  ['lists in lists', list('[[[]]]', MAX_JSON_VALUES / 4 + 1)],
])('%s without number are refused before they are parsed', async (_what, services) => {
  expect(await put(inConfig(services))).toEqual({
    status: 422,
    code: 'CONFIG_INVALID',
    message: 'the body has more than 1000000 values; fix: send fewer',
  });
});

test('a long body of few values is parsed', async () => {
  const { status } = await put(inConfig(`["${'x'.repeat(MAX_JSON_VALUES * 2)}"]`));
  expect(status).toBe(200);
});

test.each([
  ['not JSON', '{"config":', 400, 'API'],
  ['nothing', '', 400, 'API'],
  ['a prototype', '{"__proto__":{},"config":{}}', 400, 'API'],
])('%s is an error of the request', async (_what, payload, status, code) => {
  expect(await put(payload)).toMatchObject({ status, code });
});
