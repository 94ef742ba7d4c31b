// Runs functions in another network namespace.
import { closeSync, openSync } from 'node:fs';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';

const CLONE_NEWNET = 0x40000000;
const OWN_NAMESPACE = '/proc/thread-self/ns/net';

/** The directory in which iproute2 keeps named network namespaces. */
export const NAMESPACE_DIRECTORY = '/run/netns';

/**
 * Runs `work` with the main thread inside a named network namespace: sockets opened there, and /proc/sys/net as seen
 * from there, stay that namespace's. `work` must not be asynchronous: nothing else may run on the thread meanwhile.
 */
export function inNamespace<T>(name: string, work: () => T): T {
  const home = openSync(OWN_NAMESPACE, 'r');
  try {
    const target = openSync(`${NAMESPACE_DIRECTORY}/${name}`, 'r');
    try {
      return between({ home, target, name }, work);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(home);
  }
}

/** A network namespace without a name, which vanishes with this process and what it has opened in there. */
export class PrivateNamespace implements Disposable {
  readonly #home: number;
  readonly #target: number;

  /** @throws CulvertError PERMISSION without CAP_SYS_ADMIN */
  constructor() {
    const home = openSync(OWN_NAMESPACE, 'r');
    try {
      checked('make a network namespace for health checks', libc.unshare(CLONE_NEWNET));
      try {
        this.#target = openSync(OWN_NAMESPACE, 'r');
      } finally {
        goHome(home);
      }
    } catch (error) {
      closeSync(home);
      throw error;
    }
    this.#home = home;
  }

  /** Runs work in the namespace, like `inNamespace`. */
  run<T>(work: () => T): T {
    return between({ home: this.#home, target: this.#target, name: 'the network namespace of checks' }, work);
  }

  [Symbol.dispose](): void {
    closeSync(this.#target);
    closeSync(this.#home);
  }
}

function between<T>(
  { home, target, name }: { readonly home: number; readonly target: number; readonly name: string },
  work: () => T,
): T {
  checked(`enter ${name}`, libc.setns(target, CLONE_NEWNET));
  try {
    return work();
  } finally {
    goHome(home);
  }
}

function goHome(home: number): void {
  checked('return from a network namespace', libc.setns(home, CLONE_NEWNET));
}
