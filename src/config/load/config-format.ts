// Recognises the format of a configuration file.
import { extname } from 'node:path';

export const CONFIG_FORMATS = ['yaml', 'keepalived'] as const;
export type ConfigFormat = (typeof CONFIG_FORMATS)[number];

const BY_EXTENSION: ReadonlyMap<string, ConfigFormat> = new Map([
  ['.yaml', 'yaml'],
  ['.yml', 'yaml'],
  ['.json', 'yaml'],
  ['.conf', 'keepalived'],
]);

/** A keyword at the beginning of a line that only a keepalived.conf has there, without YAML's colon. */
const KEEPALIVED =
  /^[ \t]*(?:@\^?\S+[ \t]+)?(?:(?:virtual_server|virtual_server_group|vrrp_instance|vrrp_sync_group|vrrp_script|bfd_instance|track_file|include[rmwba]?)[ \t]+[^\s:]|(?:global_defs|static_ipaddress|static_routes|static_rules|SSL)[ \t]*(?:\{|$))/m;

/** Returns the format by the extension, otherwise by the content. */
export function recogniseFormat(fileName: string, text: string): ConfigFormat {
  return BY_EXTENSION.get(extname(fileName).toLowerCase()) ?? (KEEPALIVED.test(text) ? 'keepalived' : 'yaml');
}
