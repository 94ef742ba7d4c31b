import { describe, expect, test } from 'vitest';
import { explain } from '../../../../src/forwarding/explain.ts';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import type { ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { createForwarderState } from '../../../../src/forwarding/state.ts';
import { DIRECTOR_MAC, MTU, NOW_MS, smallMemory, standardImage, standardState } from './fixture.ts';
import { PACKET_SUITES, PACKET_TABLE } from './packet-table.ts';
import { ACK, tcp } from './packets.ts';

function snapshot(memory: ImageMemory): Record<string, Buffer> {
  const parts = Object.entries(memory) as [string, ArrayBuffer][];
  return Object.fromEntries(parts.map(([name, buffer]) => [name, Buffer.from(buffer.slice(0))]));
}

describe.each(PACKET_SUITES)('explaining the packets of the table: $name', ({ image, rows }) => {
  test.each(rows)('$description', ({ steps }) => {
    const state = standardState(image());
    for (const { packet } of steps) {
      const explained = explain(packet, state, NOW_MS);
      const decided = decide(packet, state, NOW_MS);
      const { verdict, reason } = explained.decision;
      expect({ verdict, reason }).toEqual({ verdict: decided.verdict, reason: decided.reason });
      if (decided.verdict === 'forward') {
        expect(explained.real).toBe(state.image.real(decided.real)?.address);
      }
      expect(explained.sentences.length).toBeGreaterThan(1);
      for (const sentence of explained.sentences) expect(sentence).toMatch(/^[A-Z0-9].*[.]$/);
    }
  });
});

test('changes nothing: no byte of the image, no budget, no flow, no event', () => {
  const memory = smallMemory();
  const events: unknown[] = [];
  const state = createForwarderState({
    image: standardImage(memory),
    linkMtuBytes: MTU,
    interfaceMac: DIRECTOR_MAC,
    onCured: (service) => events.push(service),
  });
  const before = snapshot(memory);
  const packets = PACKET_TABLE.flatMap(({ steps }) => steps.map(({ packet }) => packet));
  for (let round = 0; round < 2; round++) for (const packet of packets) explain(packet, state, NOW_MS);
  const after = snapshot(memory);
  for (const [name, bytes] of Object.entries(before)) {
    expect(bytes.equals(after[name] as Buffer), name).toBe(true);
  }
  expect(events).toEqual([]);
  expect(state.blackholes.size).toBe(0);
  const answers = Array.from({ length: 7 }, () => decide(tcp(82), state, NOW_MS).verdict);
  expect(answers).toEqual([...Array(6).fill('answer'), 'drop']);
});

test('says why: service, hash, slot, ring, sizes and what is sent', () => {
  const { sentences, real } = explain(tcp(80, { flags: ACK, dataBytes: 1460 }), standardState(), NOW_MS);
  expect(real).toBeUndefined();
  const text = sentences.join('\n');
  expect(text).toMatch(/the service tcp 192\.0\.2\.10:80, scheduler mh/);
  expect(text).toMatch(/hash of the client's address and port is 0x[0-9a-f]{8}: slot \d+ of 4096/);
  expect(text).toMatch(/The slot is stable: every packet in it goes to 10\.0\.2\.2/);
  expect(text).toMatch(/MTU of 1500; less 20 for the tunnel \(ipip\) that is 1480, and the packet has 1500/);
  expect(text).toMatch(/told to send at most 1480 bytes/);
});

test('a remembered flow and a turn', () => {
  const state = standardState();
  expect(explain(tcp(81), state, NOW_MS).sentences.join()).toMatch(/it is the turn of 10\.0\.1\.2/);
  decide(tcp(81), state, NOW_MS);
  expect(explain(tcp(81), state, NOW_MS).sentences.join()).toMatch(/The flow is remembered: 10\.0\.1\.2/);
});
