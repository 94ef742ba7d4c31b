import { closeSync, openSync } from 'node:fs';
import { checked } from './errno.ts';
import { libc } from './libc.ts';

const CLONE_NEWNET = 0x40000000;

/** Where iproute2 keeps its named network namespaces. */
export const NAMESPACE_DIRECTORY = '/run/netns';

/**
 * Runs `work` with the main thread inside a named network namespace: sockets opened there, and /proc/sys/net as seen
 * from there, stay that namespace's. `work` must not be asynchronous: nothing else may run on the thread meanwhile.
 */
export function inNamespace<T>(name: string, work: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    enter(`${NAMESPACE_DIRECTORY}/${name}`);
    try {
      return work();
    } finally {
      checked('return from a network namespace', libc.setns(home, CLONE_NEWNET));
    }
  } finally {
    closeSync(home);
  }
}

function enter(path: string): void {
  const target = openSync(path, 'r');
  try {
    checked(`enter ${path}`, libc.setns(target, CLONE_NEWNET));
  } finally {
    closeSync(target);
  }
}
