// Turns results of libbpf into errors.
import { kernelError } from '../errno.ts';

/** Passes the result of a libbpf call, which is -errno on failure. @throws CulvertError KERNEL or PERMISSION */
export function check(operation: string, result: number): number {
  if (result < 0) throw kernelError(operation, -result);
  return result;
}
