import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface EximOptions {
  readonly directory: string;
  readonly port: number;
  /** The step at which it says 550. */
  readonly refuses?: 'connect' | 'helo';
}

/** The command that runs Exim. */
export function exim({ directory, port, refuses }: EximOptions): readonly string[] {
  const spool = join(directory, 'spool');
  mkdirSync(spool);
  // It gives its privileges up.
  for (const path of [directory, spool]) chmodSync(path, 0o777);
  const configuration = join(directory, 'exim.conf');
  writeFileSync(
    configuration,
    `primary_hostname = mail.example.com
spool_directory = ${spool}
log_file_path = ${spool}/%slog
pid_file_path = ${spool}/pid
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
${refuses === undefined ? '' : `acl_smtp_${refuses} = refuse`}
begin acl
refuse:
  deny message = not today
`,
  );
  return ['exim4', '-C', configuration, '-bdf', '-oX', `${port}`];
}
