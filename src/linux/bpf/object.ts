// Opens and loads a BPF object file.
import koffi from 'koffi';
import { CulvertError } from '../../errors.ts';
import { errnoName, kernelError } from '../errno.ts';
import { duplicate } from './bpf-descriptor.ts';
import { BpfProgram } from './bpf-program.ts';
import { libbpf } from './libbpf.ts';
import { check } from './libbpf-result.ts';
import { BpfMap } from './map.ts';

export interface BpfObjectOptions {
  /** Entries by map, where the program's own number is not the one wanted. */
  readonly mapSizes?: Readonly<Record<string, number>>;
  /** Maps to use instead of creating them, such as those that an earlier run pinned. Their sizes win. */
  readonly reuse?: Readonly<Record<string, BpfMap>>;
}

const VERIFIER_LOG_BYTES = 1 << 20;
const VERIFIER_LOG_LINES = 40;

/** Offsets in struct bpf_object_open_opts of libbpf 1.x. */
const OPEN = { size: 80, objectName: 8, kernelLogBuffer: 56, kernelLogSize: 64 } as const;

/**
 * Loads a compiled BPF object, with all its programs and maps, into the kernel.
 * @param source the path of the object file, or its bytes.
 * @throws CulvertError PERMISSION, or KERNEL with the end of the verifier's log.
 */
export function openBpfObject(source: string | Uint8Array, options: BpfObjectOptions = {}): BpfObject {
  const log = new Uint8Array(VERIFIER_LOG_BYTES);
  const handle = open(source, log);
  const object = new BpfObject(handle);
  try {
    for (const [name, entries] of Object.entries(options.mapSizes ?? {})) {
      const map = findMap(handle, name);
      check(`size the map ${name}`, libbpf().bpf_map__set_max_entries(map, entries));
    }
    for (const [name, map] of Object.entries(options.reuse ?? {})) {
      check(`reuse the map ${name}`, libbpf().bpf_map__reuse_fd(findMap(handle, name), map.fd));
    }
    const result = libbpf().bpf_object__load(handle);
    if (result < 0) throw loadError(source, -result, endOfLog(log));
    return object;
  } catch (error) {
    object[Symbol.dispose]();
    throw error;
  }
}

/** A loaded object. Maps and programs taken from it are handles of their own, which outlive it. */
export class BpfObject implements Disposable {
  #handle: bigint | null;

  constructor(handle: bigint) {
    this.#handle = handle;
  }

  map(name: string): BpfMap {
    const fd = check(`find the map ${name}`, libbpf().bpf_map__fd(findMap(this.#handle, name)));
    return new BpfMap(duplicate(fd));
  }

  program(name: string): BpfProgram {
    const program = libbpf().bpf_object__find_program_by_name(this.#handle, name);
    if (program === null) throw new CulvertError('KERNEL', `there is no BPF program ${name} in the object`);
    return new BpfProgram(duplicate(check(`find the program ${name}`, libbpf().bpf_program__fd(program))));
  }

  [Symbol.dispose](): void {
    if (this.#handle !== null) libbpf().bpf_object__close(this.#handle);
    this.#handle = null;
  }
}

function open(source: string | Uint8Array, log: Uint8Array): bigint {
  const name = Buffer.from('culvert\0', 'latin1');
  const options = new Uint8Array(OPEN.size);
  const view = new DataView(options.buffer);
  view.setBigUint64(0, BigInt(OPEN.size), true);
  view.setBigUint64(OPEN.objectName, koffi.address(name), true);
  view.setBigUint64(OPEN.kernelLogBuffer, koffi.address(log), true);
  view.setBigUint64(OPEN.kernelLogSize, BigInt(log.length), true);
  const handle =
    typeof source === 'string'
      ? libbpf().bpf_object__open_file(source, options)
      : libbpf().bpf_object__open_mem(source, source.length, options);
  if (handle === null) throw kernelError(`open ${describe(source)}`, koffi.errno());
  return handle;
}

function loadError(source: string | Uint8Array, errno: number, log: string): CulvertError {
  const operation = `load ${describe(source)}`;
  // EACCES is also what the verifier says of a program that it rejects; that it wrote a log tells the two apart.
  if (log === '') return kernelError(operation, errno);
  return new CulvertError(
    'KERNEL',
    `${operation}: the kernel's verifier rejected it (${errnoName(errno)})\n${log}`,
  );
}

/** A global variable in a section of its own, `.bss.NAME`, is a map with one element. */
function findMap(handle: bigint | null, name: string): bigint {
  const find = (wanted: string): bigint | null => libbpf().bpf_object__find_map_by_name(handle, wanted);
  const map = find(name) ?? find(`.bss.${name}`);
  if (map === null) throw new CulvertError('KERNEL', `there is no BPF map ${name} in the object`);
  return map;
}

function describe(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : `a BPF object of ${source.length} bytes`;
}

/** The verifier prints the reason for a rejection last. */
function endOfLog(log: Uint8Array): string {
  const end = log.indexOf(0);
  const lines = Buffer.from(log.subarray(0, end < 0 ? log.length : end))
    .toString('latin1')
    .trimEnd()
    .split('\n');
  return lines.slice(-VERIFIER_LOG_LINES).join('\n');
}
