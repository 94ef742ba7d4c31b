import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './certificates.ts';

export interface NginxOptions {
  readonly directory: string;
  /** `127.0.0.1:80`, `[::1]:80`. */
  readonly plain: readonly string[];
  readonly tls: readonly (Certificate & { readonly listen: string })[];
}

/** The command that runs nginx; see its locations for what it answers. */
export function nginx({ directory, plain, tls }: NginxOptions): readonly string[] {
  writeFileSync(join(directory, 'drip'), 'x'.repeat(1000));
  const configuration = join(directory, 'nginx.conf');
  writeFileSync(configuration, configurationOf({ directory, plain, tls }));
  return ['nginx', '-p', directory, '-c', configuration];
}

function configurationOf({ directory, plain, tls }: NginxOptions): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  const secure = tls.map(({ listen, key, certificate }) =>
    serverOf(`listen ${listen} ssl; ssl_certificate ${certificate}; ssl_certificate_key ${key};`, directory),
  );
  return `daemon off; master_process off; pid ${directory}/pid; error_log stderr emerg;
events {}
http {
access_log off; ${temporary.join(' ')}
${serverOf(plain.map((listen) => `listen ${listen};`).join(' '), directory)}
${secure.join('\n')}
}
`;
}

function serverOf(listen: string, directory: string): string {
  return `server {
  ${listen}
  root ${directory};
  location = / { return 200 "welcome to the real server\\n"; }
  location = /teapot { return 418 "teapot\\n"; }
  location = /query { if ($arg_q = 1) { return 200 "one\\n"; } return 404; }
  location = /asked { return 200 "$server_protocol $http_connection $host $ssl_server_name\\n"; }
  location = /closed { return 444; }
  location = /drip { limit_rate 10; }
}`;
}
