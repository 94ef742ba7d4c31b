// Errors of system calls by name, and the errors that operators see of them.
import { constants } from 'node:os';
import koffi from 'koffi';
import { CulvertError } from '../errors.ts';
import { libc } from './libc.ts';

/** A POSIX error by name: `ENOENT`. */
export type ErrnoName = string;

/** The `cause` of every CulvertError that a kernel call led to. */
export interface KernelFailure {
  readonly operation: string;
  readonly errno: ErrnoName;
}

/** Second names of EAGAIN, EDEADLK and EOPNOTSUPP. */
const ALIASES: ReadonlySet<string> = new Set(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP']);

const NAMES: ReadonlyMap<number, ErrnoName> = new Map(
  Object.entries(constants.errno)
    .filter(([name]) => !ALIASES.has(name))
    .map(([name, number]) => [number, name]),
);

export function errnoName(errno: number): ErrnoName {
  return NAMES.get(errno) ?? `errno ${errno}`;
}

/** A failed kernel call in words: the operation, the kernel's text, and what the kernel said beyond it. */
export function kernelError(operation: string, errno: number, detail?: string): CulvertError {
  const name = errnoName(errno);
  const text = `${operation}: ${libc.strerror(errno)} (${name})${detail ? `: ${detail}` : ''}`;
  const code = name === 'EPERM' || name === 'EACCES' ? 'PERMISSION' : 'KERNEL';
  return new CulvertError(code, text, { cause: { operation, errno: name } satisfies KernelFailure });
}

/** Passes a call's result through. @throws CulvertError KERNEL or PERMISSION when it is negative. */
export function checked(operation: string, result: number): number {
  if (result < 0) throw kernelError(operation, koffi.errno());
  return result;
}

/** The errno behind an error of this layer or of Node's own calls; undefined for any other error. */
export function errnoOf(error: unknown): ErrnoName | undefined {
  if (!(error instanceof Error)) return undefined;
  const failure = error.cause as Partial<KernelFailure> | undefined;
  if (error instanceof CulvertError) return failure?.errno;
  return (error as NodeJS.ErrnoException).code;
}
