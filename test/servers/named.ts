import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The command that runs BIND with the signed zone example.com, and broken.test, which it cannot serve. */
export function named(directory: string, port: number): readonly string[] {
  const configuration = join(directory, 'named.conf');
  writeFileSync(
    join(directory, 'zone'),
    `$TTL 60
@ SOA ns hostmaster 1 60 60 60 60
@ NS ns
@ MX 10 www
@ TXT "text"
ns A 192.0.2.1
www A 192.0.2.2
alias CNAME www
`,
  );
  writeFileSync(
    configuration,
    `options {
  directory "${directory}"; listen-on port ${port} { any; }; listen-on-v6 port ${port} { any; };
  recursion no; pid-file none; session-keyfile none; managed-keys-directory "${directory}";
};
controls { };
zone "example.com" { type primary; file "zone"; dnssec-policy default; inline-signing yes; };
zone "broken.test" { type primary; file "none"; };
`,
  );
  return ['named', '-f', '-c', configuration];
}
