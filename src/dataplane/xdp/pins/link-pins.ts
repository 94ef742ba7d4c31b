// Names of the pins of links.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../../linux/errno.ts';

/** Names of the pins of an instance. */
export function linkPins(instanceDirectory: string): string[] {
  try {
    return readdirSync(linkDirectory(instanceDirectory));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

export function linkDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, 'links');
}
