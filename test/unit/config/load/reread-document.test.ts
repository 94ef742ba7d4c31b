import { array, assert, constantFrom, integer, property, record, uniqueArray } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LoadedConfig } from '../../../../src/config/load/loaded-config.ts';
import { readDocument } from '../../../../src/config/load/read-document.ts';
import { rereadDocument } from '../../../../src/config/load/reread-document.ts';

interface Given {
  readonly port: number;
  readonly reals: readonly { readonly address: string; readonly weight: number }[];
}

/** That it is checked by BFD. */
function bfd(interval: string): object {
  return { check: { type: 'bfd', interval } };
}

function documentWith(services: readonly object[], defaults: object = { check: 'none' }): object {
  return { director: { interface: 'eth0' }, defaults, services };
}

function service({ port, reals }: Given): object {
  return { vip: '192.0.2.10', port, reals };
}

const one = service({ port: 1, reals: [{ address: '10.0.1.1', weight: 5 }] });
const two = service({ port: 2, reals: [{ address: '10.0.1.2', weight: 5 }] });

function expectSame(loaded: LoadedConfig, document: object): void {
  expect(loaded).toEqual(readDocument(document));
}

describe('a document that differs little from the one before', () => {
  test('comes to the same as when all of it is validated', () => {
    const reals = array(
      record({
        address: constantFrom('10.0.1.1', '10.0.1.2', '2001:db8::7'),
        weight: integer({ min: 0, max: 2 }),
      }),
      { maxLength: 2 },
    ).filter((all) => new Set(all.map(({ address }) => address)).size === all.length);
    const services = uniqueArray(record({ port: integer({ min: 1, max: 12 }), reals }), {
      selector: ({ port }) => port,
      minLength: 1,
      maxLength: 8,
    }).map((all) => all.map(service));
    assert(
      property(services, services, (before, after) => {
        const document = documentWith(after);
        expectSame(readDocument(document, readDocument(documentWith(before))), document);
      }),
    );
  });

  test('leaves what did not change the same object', () => {
    const before = readDocument(documentWith([one, two]));
    const more = { ...two, port: 3 };
    const found = rereadDocument(before, documentWith([two, more, one]));
    expect(found?.config.services[0]).toBe(before.config.services[1]);
    expect(found?.config.services[2]).toBe(before.config.services[0]);
    expectSame(found as LoadedConfig, documentWith([two, more, one]));
  });

  test.each([
    ['a service twice', documentWith([one, two, one])],
    ['another service of the same port', documentWith([one, two, { ...one, scheduler: 'rr' }])],
    ['a VIP that is a real', documentWith([one, two, { ...one, vip: '10.0.1.1', port: 4 }])],
    ['a value out of range', documentWith([one, two, { ...one, port: 70_000 }])],
    ['an unknown key', documentWith([one, two, { ...one, port: 4, wait: 1 }])],
    ['other defaults', documentWith([one, two], { check: 'tcp' })],
    [
      'BFD sessions of one neighbor that differ',
      documentWith([{ ...one, ...bfd('1s') }, two, { ...one, port: 4, ...bfd('2s') }]),
    ],
    ['nothing of it', null],
    [
      'services that are none',
      { director: { interface: 'eth0' }, defaults: { check: 'none' }, services: {} },
    ],
  ])('%s: all of it has to be validated', (_what, document) => {
    const before = readDocument(documentWith([one, two, { ...two, port: 9 }, { ...two, port: 10 }]));
    expect(rereadDocument(before, document)).toBeUndefined();
  });
});
