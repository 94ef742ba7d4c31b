import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian keeps daemons where an unprivileged PATH does not look. */
const DIRECTORIES = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

export function pathOf(program: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, program)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why tests with these programs are skipped; undefined: they are all there. */
export function obstacleTo(...programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => pathOf(program) === undefined);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`;
}

/** A directory for what a server needs, gone with it. */
export function serverDirectory(cleanUp: DisposableStack | AsyncDisposableStack, name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `culvert-${name}-`));
  cleanUp.defer(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a server in the foreground, until it is disposed of; `prefix` leads into a namespace. */
export function startServer(
  cleanUp: AsyncDisposableStack,
  command: readonly string[],
  prefix: readonly string[] = [],
): void {
  const [program = '', ...parameters] = [...prefix, pathOf(command[0] ?? '') ?? '', ...command.slice(1)];
  const child = spawn(program, parameters, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  cleanUp.defer(async () => {
    child.kill();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  });
}

/** A port that nobody has on 127.0.0.1 or ::1, as far as one can know. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
