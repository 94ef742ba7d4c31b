// Documents that others send: what is large, or made to be slow, is read while everything else goes on.
import { expect, test } from 'vitest';
import { loadDocument } from '../../../../src/config/load/load-document.ts';
import { readDocument } from '../../../../src/config/load/read-document.ts';

const director = { interface: 'eth0' };
const before = readDocument({ director, services: [] });

function services(count: number): { vip: string; port: number; reals: { address: string }[] }[] {
  return Array.from({ length: count }, (_, index) => ({
    vip: `192.0.${index >> 8}.${index & 255}`,
    port: 80,
    reals: [{ address: '10.0.0.1' }],
  }));
}

test.each([3, 5000])('%i services are the same as when read here', async (count) => {
  const document = { director, services: services(count) };
  expect(await loadDocument(document, before)).toStrictEqual(readDocument(document));
});

const many = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);

test.each([
  ['services that are none', { director, services: many(150_000, 1) }],
  [
    'reals without an address',
    { director, services: [{ vip: '192.0.2.1', port: 80, reals: many(30_000, {}) }] },
  ],
  [
    'one real again and again',
    { director, services: [{ ...services(1)[0], reals: many(30_000, { address: '10.0.0.1' }) }] },
  ],
  [
    'unknown keys',
    {
      director: { ...director, ...Object.fromEntries(many(30_000, 1).map((v, i) => [`key${i}`, v])) },
      services: [],
    },
  ],
])('%s: an error for each, and the loop answers meanwhile', async (_name, document) => {
  let turns = 0;
  const ticking = setInterval(() => void turns++, 1);
  const reading = loadDocument(document, before);
  await expect(reading).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/\.\.\. and \d+ more errors$/),
  });
  clearInterval(ticking);
  expect(turns).toBeGreaterThan(10);
});

test('nesting without end is an error', async () => {
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
  const reading = loadDocument({ director, services: deep }, before);
  await expect(reading).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
