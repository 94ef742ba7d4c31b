import { describe, expect, test } from 'vitest';
import { validateCapacity } from '../../../../src/config/host/require-capacity.ts';
import type { Service } from '../../../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { parseConfig } from '../../config/yaml.ts';
import { real, service, table } from './tables.ts';

/** Room for four rings of the least size. */
const SLOTS = 1 << 14;

function services(ports: readonly number[]): Service[] {
  return ports.map((port) => service({ port, reals: [real(port % 200)] }));
}

describe('what is retired', () => {
  test('does not stand in the way of quick changes in a small table', () => {
    let grace = 0;
    const settle = (): boolean => ++grace > 0;
    const image = new ForwardingImage(allocateImageMemory({ slots: SLOTS, flows: 1 << 10 }), { settle });
    for (let round = 0; round < 400; round++) {
      const ports = round % 2 === 0 ? [1, 2] : [3, 4];
      image.apply(table(services(ports)), 100 + round);
    }
    expect(grace).toBeGreaterThan(0);
  });

  test('is not given out where nobody can say that no packet reads it, and the message says for how long', () => {
    const memory = allocateImageMemory({ slots: SLOTS, flows: 1 << 10 });
    const image = new ForwardingImage(memory, { settle: () => false });
    image.apply(table(services([1, 2])), 100);
    image.apply(table(services([3, 4])), 100);
    expect(() => image.apply(table(services([5, 6])), 101)).toThrow(/adjoining ring slots .* 5 s later/);
    image.apply(table(services([5, 6])), 151);
  });
});

const yaml = (ports: number): string =>
  `director: {interface: eth0, capacity: {slots: ${SLOTS}}}\nservices:\n${Array.from(
    { length: ports },
    (_, at) => `  - {vip: 192.0.2.10, port: ${at + 1}, reals: [{address: 10.0.0.${at + 1}}]}\n`,
  ).join('')}`;

describe('what does not fit an empty plane', () => {
  test('is refused by the file alone and by a plane, in the same words', () => {
    const words =
      /^the services need 20480 ring slots together, director.capacity.slots is 16384; fix: .* --set capacity.slots=20480/;
    expect(() => validateCapacity(parseConfig(yaml(5), 'c.yaml'))).toThrow(words);
    const image = new ForwardingImage(allocateImageMemory({ slots: SLOTS, flows: 1 << 10 }));
    expect(() => image.apply(table(services([1, 2, 3, 4, 5])), 100)).toThrow(words);
    image.apply(table(services([1, 2, 3, 4])), 100);
    validateCapacity(parseConfig(yaml(4), 'c.yaml'));
  });
});
