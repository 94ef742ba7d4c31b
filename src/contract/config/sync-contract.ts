// The contract of `director.sync`: the synchronisation of flows with other directors.
import { z } from 'zod';
import { type IpAddress, ip, isIpv4, parseIp } from '../../net/address/ip-address.ts';
import { isIpv6Multicast } from '../../net/address/ipv6-multicast.ts';
import { type Filled, fill, option, required } from '../option.ts';
import { interfaceName, mapping, port, timeout, wholeNumber } from '../values/fields.ts';

const GROUP = 'a multicast address such as 224.0.0.81 or ff02::81';
const group = z.string(GROUP).refine((text) => isGroup(parseIp(text)), GROUP);

function isGroup(address: IpAddress | undefined): boolean {
  if (address === undefined) return false;
  return isIpv4(address) ? address >>> 28 === 0xe : isIpv6Multicast(address);
}

const place = {
  interface: required(interfaceName, 'the network interface on which the directors reach each other'),
  syncId: option(wholeNumber(0, 255), {
    default: 0,
    description: 'a number that directors which belong together share; 0 of a backup: it takes every number',
  }),
  group: option(group, { default: '224.0.0.81', description: 'the multicast group, IPv4 or IPv6' }),
  port: option(port, { default: 8848, description: 'the UDP port' }),
};

export const masterShape = {
  ...place,
  ttl: option(wholeNumber(1, 255), { default: 1, description: 'TTL or hop limit of what is sent' }),
  period: option(timeout, {
    default: 10_000,
    defaultText: '`10s`',
    description: 'how often an unchanged flow is sent again, for backups that missed it or came later',
  }),
};

export const backupShape = place;

export const syncSchema = mapping({
  master: mapping(masterShape).optional(),
  backup: mapping(backupShape).optional(),
});

type WrittenSync = z.output<typeof syncSchema>;

export interface BackupConfig extends Omit<Filled<typeof backupShape>, 'group'> {
  readonly interface: string;
  readonly group: IpAddress;
}

export interface MasterConfig extends Omit<Filled<typeof masterShape>, 'group' | 'period'> {
  readonly interface: string;
  readonly group: IpAddress;
  readonly periodMs: number;
}

export interface SyncConfig {
  readonly master: MasterConfig | undefined;
  readonly backup: BackupConfig | undefined;
}

export function fillInSync({ master, backup }: WrittenSync): SyncConfig {
  return { master: master && fillInMaster(master), backup: backup && fillInBackup(backup) };
}

function fillInMaster(written: NonNullable<WrittenSync['master']>): MasterConfig {
  const { period, ...filled } = fill(masterShape, written);
  return { ...filled, interface: written.interface, group: ip(filled.group), periodMs: period };
}

function fillInBackup(written: NonNullable<WrittenSync['backup']>): BackupConfig {
  const filled = fill(backupShape, written);
  return { ...filled, interface: written.interface, group: ip(filled.group) };
}
