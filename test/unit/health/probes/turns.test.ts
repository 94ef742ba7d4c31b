import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import type { WrittenCheckOptions } from '../../../../src/contract/checks/check-contract.ts';
import { listening, openAttempts } from './bench.ts';

const URLS: WrittenCheckOptions = { type: 'http', urls: ['/a', '/b', '/c'].map((path) => ({ path })) };

/** Answers what is not broken; the paths that it was asked for. */
async function server(): Promise<{ port: number; asked: string[]; broken: Set<string> }> {
  const [asked, broken] = [[] as string[], new Set<string>()];
  const http = createServer(({ url = '' }, response) => {
    asked.push(url);
    response.writeHead(broken.has(url) ? 500 : 200).end();
  });
  return { port: await listening(http), asked, broken };
}

test('all of the URLs are fetched in each attempt, unless they take turns', async () => {
  const { port, asked } = await server();
  const all = openAttempts(URLS, { port });
  expect(await all()).toBe('passes');
  expect(asked.splice(0)).toEqual(['/a', '/b', '/c']);
  const turns = openAttempts({ ...URLS, rotate: true }, { port });
  for (let attempt = 0; attempt < 4; attempt++) expect(await turns()).toBe('passes');
  expect(asked).toEqual(['/a', '/b', '/c', '/a']);
});

test.each([
  [false, 'later'],
  [true, 'now'],
] as const)(
  'one that fails is tried until it passes, and then all are; fastRecovery %s',
  async (fastRecovery, more) => {
    const { port, asked, broken } = await server();
    const turns = openAttempts({ ...URLS, rotate: true, fastRecovery }, { port });
    broken.add('/b');
    expect(await turns()).toBe('passes');
    const fault = '/b: HTTP status 500; allowed: 200-299';
    expect([await turns(), await turns(false)]).toEqual([fault, fault]);
    broken.clear();
    const outcomes = [];
    for (let attempt = 0; attempt < 4; attempt++) outcomes.push(await turns(false));
    expect(outcomes).toEqual([{ more }, { more }, { more }, 'passes']);
    expect(asked).toEqual(['/a', '/b', '/b', '/b', '/a', '/b', '/c']);
  },
);

test('one that passes at a retry goes on in turn', async () => {
  const { port, asked, broken } = await server();
  const turns = openAttempts({ ...URLS, rotate: true }, { port });
  broken.add('/a');
  await turns();
  broken.clear();
  expect([await turns(), await turns()]).toEqual(['passes', 'passes']);
  expect(asked).toEqual(['/a', '/a', '/b']);
});
