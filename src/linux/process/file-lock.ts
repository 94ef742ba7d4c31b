// Locks on open files and directories (flock(2)).
import koffi from 'koffi';
import { errnoName, kernelError } from '../errno.ts';

const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAIT = 4;

const flock = koffi.load(null).func('int flock(int fd, int operation)') as (
  fd: number,
  operation: number,
) => number;

/** Takes the lock until the descriptor is closed, by its process's end at the latest. False while another has it. */
export function tryLock(fd: number): boolean {
  if (flock(fd, LOCK_EXCLUSIVE | LOCK_NO_WAIT) === 0) return true;
  const errno = koffi.errno();
  if (errnoName(errno) === 'EAGAIN') return false;
  throw kernelError('lock', errno);
}
