// The name under which a director keeps its state and its control socket.
import { join } from 'node:path';
import type { DirectorConfig } from '../../contract/config/director-contract.ts';

export type Naming = Pick<DirectorConfig, 'instance' | 'runDirectory' | 'stateDirectory'>;

/**
 * Returns the name of the director's pins, which may differ from the configured one: network namespaces may share a file system.
 */
export async function localNaming({
  plane,
  instance,
  runDirectory,
  stateDirectory,
}: Pick<DirectorConfig, 'plane'> & Naming): Promise<Naming> {
  return {
    instance: plane === 'xdp' ? await localInstance(instance) : instance,
    runDirectory,
    stateDirectory,
  };
}

export async function localInstance(instance: string): Promise<string> {
  const { localName } = await import('../../dataplane/xdp/pins/pin-place.ts');
  return localName(instance);
}

/** The endings of the files that a director keeps. */
export const STATE_ENDINGS = ['json', 'applied.json', 'journal', 'journal.old'] as const;

export function stateFile(
  { stateDirectory, instance }: Naming,
  ending: (typeof STATE_ENDINGS)[number],
): string {
  return join(stateDirectory, `${instance}.${ending}`);
}
