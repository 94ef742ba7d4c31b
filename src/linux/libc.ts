// The functions of the C library that culvert calls.
import koffi from 'koffi';

type Pointer = Uint8Array | null;

const library = koffi.load(null);

/** The calls that Node does not offer. Each returns -1 on failure; `koffi.errno()` then has the reason. */
export const libc = {
  strerror: library.func('const char *strerror(int errnum)') as (errnum: number) => string,
  open: library.func('int open(const char *path, int flags, uint32_t mode)') as (
    path: string,
    flags: number,
    mode: number,
  ) => number,
  close: library.func('int close(int fd)') as (fd: number) => number,
  prctl: library.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  ) as (option: number, ...values: [number, number, number, number]) => number,
  close_range: library.func('int close_range(uint32_t first, uint32_t last, int flags)') as (
    first: number,
    last: number,
    flags: number,
  ) => number,
  read: library.func('int64_t read(int fd, void *buffer, size_t count)') as (
    fd: number,
    buffer: Uint8Array,
    count: number,
  ) => number,
  write: library.func('int64_t write(int fd, const void *buffer, size_t count)') as (
    fd: number,
    buffer: Uint8Array,
    count: number,
  ) => number,
  ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)') as (
    fd: number,
    request: number,
    argument: Pointer,
  ) => number,
  /** The same call, for the requests that take a number instead of a pointer. */
  ioctlValue: library.func('ioctl', 'int', ['int', 'unsigned long', 'unsigned long']) as (
    fd: number,
    request: number,
    argument: number,
  ) => number,
  socket: library.func('int socket(int domain, int type, int protocol)') as (
    domain: number,
    type: number,
    protocol: number,
  ) => number,
  bind: library.func('int bind(int fd, const void *address, uint32_t length)') as (
    fd: number,
    address: Uint8Array,
    length: number,
  ) => number,
  getsockname: library.func('int getsockname(int fd, void *address, void *length)') as (
    fd: number,
    address: Uint8Array,
    length: Uint8Array,
  ) => number,
  setsockopt: library.func(
    'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
  ) as (
    ...parameters: [fd: number, level: number, option: number, value: Uint8Array, length: number]
  ) => number,
  sendto: library.func(
    'int64_t sendto(int fd, const void *buffer, size_t length, int flags, const void *address, uint32_t addressLength)',
  ) as (
    ...parameters: [
      fd: number,
      buffer: Uint8Array,
      length: number,
      flags: number,
      address: Pointer,
      addressLength: number,
    ]
  ) => number,
  recv: library.func('int64_t recv(int fd, void *buffer, size_t length, int flags)') as (
    fd: number,
    buffer: Uint8Array,
    length: number,
    flags: number,
  ) => number,
  recvfrom: library.func(
    'int64_t recvfrom(int fd, void *buffer, size_t length, int flags, void *address, void *addressLength)',
  ) as (
    ...parameters: [
      fd: number,
      buffer: Uint8Array,
      length: number,
      flags: number,
      address: Uint8Array,
      addressLength: Uint8Array,
    ]
  ) => number,
  /** @param message a `struct msghdr` whose pointers stay valid. */
  recvmsg: library.func('int64_t recvmsg(int fd, void *message, int flags)') as (
    fd: number,
    message: Uint8Array,
    flags: number,
  ) => number,
  unshare: library.func('int unshare(int kinds)') as (kinds: number) => number,
  setns: library.func('int setns(int fd, int kind)') as (fd: number, kind: number) => number,
  clock_gettime: library.func('int clock_gettime(int clock, void *time)') as (
    clock: number,
    time: Uint8Array,
  ) => number,
} as const;
