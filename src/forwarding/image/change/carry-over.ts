// Copies an image's services, rings and flows into a new image of another capacity.
import { isTemplate } from '../flows/flow-state.ts';
import { type FlowKey, FlowTable } from '../flows/flow-table.ts';
import { SlotAllocator } from '../slots/slot-allocator.ts';
import { FLOW, FLOW_BUSY, FLOW_COSTS, FLOW_WAYS, REAL, SERVICE_KIND, SETTINGS } from '../tables/layout.ts';
import type { ImageMemory } from '../tables/memory.ts';
import { ServiceTable } from '../tables/service-table.ts';

/** The parts whose size does not depend on the capacity. Flow counts are computed from the flows. */
const FIXED = ['settings', 'services', 'reals', 'cursors', 'slowCounters', 'reasons'] as const;
const WORDS = FLOW.size / 8;
const PORTS = 1 << 16;
const ADDRESS_BYTES = 16;
/** The factor of the service port in the hash of FlowTable. Its inverse modulo 2^32 recovers the port. */
const PORT_STEP = 0x85ebca6b;
const PORT_STEP_INVERSE = inverse(PORT_STEP);

/**
 * Fills an empty image as if an earlier run had left it so: services, reals and rings with their indices, and the flows. Where
 * there are fewer places, the flows of the greatest worth stay.
 * @returns false, with `to` still empty, where the rings do not fit
 */
export function carryOver(from: ImageMemory, to: ImageMemory): boolean {
  if (FIXED.some((part) => from[part].byteLength !== to[part].byteLength)) return false;
  const moves = moveRings(from, to);
  if (moves === undefined) return false;
  for (const part of FIXED) new Uint8Array(to[part]).set(new Uint8Array(from[part]));
  const table = new ServiceTable(to.services);
  for (const entry of table.entries()) {
    const first = moves.get(entry.index);
    if (first !== undefined && entry.kind !== SERVICE_KIND.vip)
      table.setRing(table.find(entry), first, entry.slotCount);
  }
  const flows = openFlows(to);
  for (const cost of costs()) for (const flow of flowsOf(from, cost)) remember(flows, flow, flow.seenTick);
  return true;
}

/**
 * Copies the flows that began or changed since the former image's clock stopped, once no program writes to it any more. Flows of
 * reals whose index has another owner by now are left out.
 */
export function carryChanges(from: ImageMemory, to: ImageMemory): void {
  const flows = openFlows(to);
  const [stopped, nowTick] = [from, to].map(
    ({ settings }) => new Uint32Array(settings)[SETTINGS.now / 4] as number,
  ) as [number, number];
  for (const flow of flowsOf(from)) {
    if (flow.seenTick === stopped && isSameReal(from, to, flow)) remember(flows, flow, nowTick);
  }
}

interface CarriedFlow {
  readonly key: FlowKey;
  readonly serviceIndex: number;
  readonly real: number;
  readonly state: number;
  readonly seenTick: number;
  readonly client: ReturnType<FlowTable['clientOf']>;
}

function remember(flows: FlowTable, { key, real, state, client }: CarriedFlow, tick: number): void {
  const next = { real, state, nowTick: tick };
  const hit = isTemplate(state) ? flows.findTemplate(key) : flows.find(key);
  if (hit !== undefined) flows.replace(hit, next, client);
  else flows.insert(key, next, client);
}

function openFlows(memory: ImageMemory): FlowTable {
  return new FlowTable(memory, new Uint32Array(memory.settings, SETTINGS.hashKey, 4));
}

/** Copies each service's ring to the beginning of the free range. @returns first slots by service; undefined: no room */
function moveRings(from: ImageMemory, to: ImageMemory): Map<number, number> | undefined {
  const [source, target] = [new Uint32Array(from.slots), new Uint32Array(to.slots)];
  const allocator = new SlotAllocator(target.length);
  const moves = new Map<number, number>();
  const rings: { readonly first: number; readonly to: number; readonly count: number }[] = [];
  for (const { kind, index, firstSlot, slotCount } of new ServiceTable(from.services).entries()) {
    if (kind === SERVICE_KIND.vip || slotCount === 0 || moves.has(index)) continue;
    const first = allocator.allocate(slotCount, 0);
    if (first === undefined) return undefined;
    moves.set(index, first);
    rings.push({ first: firstSlot, to: first, count: slotCount });
  }
  for (const ring of rings) target.set(source.subarray(ring.first, ring.first + ring.count), ring.to);
  return moves;
}

/** Returns the worths of entries, the greatest first. */
function costs(): number[] {
  const digits = Array.from({ length: 16 }, (_, state) => costOf(state));
  return [...new Set(digits)].toSorted((a, b) => b - a);
}

function costOf(state: number): number {
  return Number((FLOW_COSTS >> BigInt(4 * state)) & 0xfn);
}

/**
 * Yields the flows of a memory.
 * @param cost only flows of this worth; undefined: all
 */
function* flowsOf(memory: ImageMemory, cost?: number): Generator<CarriedFlow> {
  const flows = openFlows(memory);
  const halves = new Uint32Array(memory.flows);
  const ports = portsByService(memory);
  for (let at = 0; at < flows.sets * FLOW_WAYS * WORDS; at += WORDS) {
    const low = halves[2 * at + 2] as number;
    const state = (low >>> 16) & 0xff;
    // Skip a free entry and one that a writer has claimed.
    if (low >>> 16 === 0 || flows.words[at + 1] === FLOW_BUSY) continue;
    if (cost !== undefined && costOf(state) !== cost) continue;
    const [end, client] = [halves[2 * at] as number, halves[2 * at + 1] as number];
    const [clientPort, serviceIndex] = [end >>> 16, end & 0xffff];
    const set = Math.floor(at / (WORDS * FLOW_WAYS));
    const place = { set, mask: flows.sets - 1, tag: low >>> 24 };
    const name = { client, clientPort, serviceIndex };
    const wanted = isTemplate(state) ? [0] : (ports.get(serviceIndex) ?? []);
    const base = flows.keyOf({ ...name, servicePort: 0 }).hash;
    const seenTick = halves[2 * at + 3] as number;
    const flow = { serviceIndex, real: low & 0xffff, state, seenTick, client: flows.clientOf(at, client) };
    // In a small table the place of an entry may fit several ports: the flow is remembered under each.
    const found = wanted.includes('all') ? anyPorts(base, place) : listedPorts(wanted, base, place);
    for (const servicePort of found) yield { ...flow, key: flows.keyOf({ ...name, servicePort }) };
  }
}

interface Place {
  readonly set: number;
  readonly mask: number;
  readonly tag: number;
}

/** Returns the listed service ports that the entry can have. The key does not hold the port, but the place narrows it down. */
function listedPorts(ports: readonly (number | 'all')[], base: number, place: Place): number[] {
  return ports.filter((port) => port !== 'all' && isAt(hashWith(base, port), place)) as number[];
}

/** Returns the ports that an entry of a service of all ports can have: the low bits of the hash give those of the port. */
function anyPorts(base: number, place: Place): number[] {
  const found: number[] = [];
  for (const set of new Set([place.set, place.set ^ (1 & place.mask)])) {
    const start = (Math.imul(set - base, PORT_STEP_INVERSE) & place.mask) >>> 0;
    for (let port = start; port < PORTS; port += place.mask + 1)
      if (isAt(hashWith(base, port), place)) found.push(port);
  }
  return found;
}

function hashWith(base: number, port: number): number {
  return (base + Math.imul(port, PORT_STEP)) >>> 0;
}

function isAt(hash: number, { set, mask, tag }: Place): boolean {
  return hash >>> 24 === tag && ((hash & mask) === set || ((hash ^ 1) & mask) === set);
}

function portsByService({ services }: ImageMemory): Map<number, (number | 'all')[]> {
  const ports = new Map<number, (number | 'all')[]>();
  for (const { kind, index, port } of new ServiceTable(services).entries()) {
    if (kind === SERVICE_KIND.vip) continue;
    ports.set(index, [...(ports.get(index) ?? []), port === 0 ? 'all' : port]);
  }
  return ports;
}

function isSameReal(from: ImageMemory, to: ImageMemory, { real, serviceIndex }: CarriedFlow): boolean {
  const at = real * REAL.size;
  const owner = new DataView(to.reals).getUint16(at + REAL.serviceIndex, true);
  const [before, after] = [from, to].map(
    ({ reals }) => new Uint8Array(reals, at + REAL.outerDestinationBe, ADDRESS_BYTES),
  ) as [Uint8Array, Uint8Array];
  return owner === serviceIndex && Buffer.compare(before, after) === 0;
}

/** Returns the inverse of an odd number modulo 2^32 by Newton's steps: each doubles the number of correct bits. */
function inverse(odd: number): number {
  let found = odd;
  for (let step = 0; step < 5; step++) found = Math.imul(found, 2 - Math.imul(odd, found));
  return found;
}
