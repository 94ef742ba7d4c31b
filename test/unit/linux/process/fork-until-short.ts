/** Runs commands that stay until one cannot be started, and prints the shortage that was found. */
import { runCommand } from '../../../../src/linux/process/run-command.ts';
import { localShortageIn } from '../../../../src/local-shortage.ts';

const end = new AbortController();
const command = { run: { command: ['sleep', '60'] }, environment: {}, user: undefined, signal: end.signal };
const started = Array.from({ length: 100 }, () => runCommand(command));
const failures = started.map((one) => one.then(() => undefined).catch((error: unknown) => error));
const error = await Promise.race(failures);
end.abort();
process.stdout.write(localShortageIn(error)?.code ?? String(error));
process.exit();
