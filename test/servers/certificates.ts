import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

const NAMES = 'subjectAltName=DNS:www.example.com,IP:127.0.0.1,IP:::1,IP:192.0.2.10,IP:2001:db8::10';

/** Self-signed, for www.example.com and the addresses of the tests, and its own authority. */
export function makeCertificate(directory: string, name: string): Certificate {
  const [key, certificate] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)];
  openssl(
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=real -addext ${NAMES}`,
    ['-keyout', key, '-out', certificate],
  );
  return { key, certificate };
}

/** The same, but its time is over. */
export function makeExpiredCertificate(directory: string): Certificate {
  const at = (name: string): string => join(directory, name);
  const ca = `[ca]\ndefault_ca=c\n[c]\ndatabase=${at('index')}\nrand_serial=yes\npolicy=p\ndefault_md=sha256\nnew_certs_dir=${directory}\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\n${NAMES}\n`;
  writeFileSync(at('ca.conf'), ca);
  writeFileSync(at('index'), '');
  const [key, certificate, request] = [at('expired.key'), at('expired.pem'), at('request')];
  openssl('req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=real', [
    '-keyout',
    key,
    '-out',
    request,
  ]);
  openssl('ca -batch -notext -selfsign -startdate 20200101000000Z -enddate 20200102000000Z', [
    '-config',
    at('ca.conf'),
    '-keyfile',
    key,
    '-in',
    request,
    '-out',
    certificate,
  ]);
  return { key, certificate };
}

function openssl(command: string, more: readonly string[]): void {
  execFileSync('openssl', [...command.split(' '), ...more], { stdio: 'pipe' });
}
