// The functions of libbpf that culvert calls.
import koffi, { type LibraryHandle } from 'koffi';
import { CulvertError } from '../../errors.ts';

/** Pointers are addresses; 0n (or null from koffi) is NULL. Structures are passed as the bytes that they consist of. */
type Pointer = bigint | null;
type Bytes = Uint8Array | null;

/** The part of libbpf 1.x that culvert uses. Functions that return an int return -errno on failure. */
export interface Libbpf {
  bpf_object__open_file(path: string, options: Uint8Array): Pointer;
  bpf_object__open_mem(image: Uint8Array, size: number, options: Uint8Array): Pointer;
  bpf_object__load(object: Pointer): number;
  bpf_object__close(object: Pointer): void;
  bpf_object__find_map_by_name(object: Pointer, name: string): Pointer;
  bpf_object__find_program_by_name(object: Pointer, name: string): Pointer;
  bpf_map__fd(map: Pointer): number;
  bpf_map__set_max_entries(map: Pointer, entries: number): number;
  bpf_map__reuse_fd(map: Pointer, fd: number): number;
  bpf_program__fd(program: Pointer): number;
  bpf_map_lookup_elem(fd: number, key: Uint8Array, value: Uint8Array): number;
  bpf_map_update_elem(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number;
  bpf_map_delete_elem(fd: number, key: Uint8Array): number;
  bpf_map_lookup_batch: LookupBatch;
  bpf_obj_pin(fd: number, path: string): number;
  bpf_obj_get(path: string): number;
  bpf_obj_get_info_by_fd(fd: number, info: Uint8Array, length: Uint8Array): number;
  bpf_prog_test_run_opts(fd: number, options: Uint8Array): number;
  bpf_link_create(programFd: number, ifIndex: number, attachType: number, options: Uint8Array): number;
  bpf_link_update(linkFd: number, programFd: number, options: Bytes): number;
  bpf_link_detach(linkFd: number): number;
  bpf_raw_tracepoint_open(name: string, programFd: number): number;
  bpf_xdp_query(ifIndex: number, flags: number, options: Uint8Array): number;
  libbpf_num_possible_cpus(): number;
}

type LookupBatch = (
  ...batch: readonly [
    fd: number,
    from: Bytes,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: Uint8Array,
    options: Bytes,
  ]
) => number;

const DECLARATIONS = [
  'void *bpf_object__open_file(const char *path, const void *options)',
  'void *bpf_object__open_mem(const void *image, size_t size, const void *options)',
  'int bpf_object__load(void *object)',
  'void bpf_object__close(void *object)',
  'void *bpf_object__find_map_by_name(void *object, const char *name)',
  'void *bpf_object__find_program_by_name(void *object, const char *name)',
  'int bpf_map__fd(void *map)',
  'int bpf_map__set_max_entries(void *map, uint32_t entries)',
  'int bpf_map__reuse_fd(void *map, int fd)',
  'int bpf_program__fd(void *program)',
  'int bpf_map_lookup_elem(int fd, const void *key, void *value)',
  'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
  'int bpf_map_delete_elem(int fd, const void *key)',
  'int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, void *count, const void *options)',
  'int bpf_obj_pin(int fd, const char *path)',
  'int bpf_obj_get(const char *path)',
  'int bpf_obj_get_info_by_fd(int fd, void *info, void *length)',
  'int bpf_prog_test_run_opts(int fd, void *options)',
  'int bpf_link_create(int programFd, int ifIndex, int attachType, const void *options)',
  'int bpf_link_update(int linkFd, int programFd, const void *options)',
  'int bpf_link_detach(int linkFd)',
  'int bpf_raw_tracepoint_open(const char *name, int programFd)',
  'int bpf_xdp_query(int ifIndex, int flags, void *options)',
  'int libbpf_num_possible_cpus()',
] as const;

let loaded: Libbpf | undefined;

/**
 * libbpf, loaded at the first use, so that a machine without it still runs whatever needs no BPF.
 * @throws CulvertError UNSUPPORTED when there is no libbpf.so.1.
 */
export function libbpf(): Libbpf {
  loaded ??= load();
  return loaded;
}

function load(): Libbpf {
  const library = open();
  // Its own messages would go to stderr beside ours; the verifier's log comes through kernel_log_buf.
  library.func('void *libbpf_set_print(void *print)')(null);
  const functions: Record<string, unknown> = {};
  for (const declaration of DECLARATIONS) {
    const callable = library.func(declaration);
    functions[callable.info.name] = callable;
  }
  return functions as unknown as Libbpf;
}

function open(): LibraryHandle {
  try {
    return koffi.load('libbpf.so.1');
  } catch (cause) {
    throw new CulvertError('UNSUPPORTED', 'libbpf.so.1 is not installed. fix: install the package libbpf1', {
      cause,
    });
  }
}
