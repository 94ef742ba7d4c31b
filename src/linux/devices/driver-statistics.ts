// The statistics of an adapter's driver (ethtool -S).
import koffi from 'koffi';
import { checked, errnoOf } from '../errno.ts';
import { libc } from '../libc.ts';
import { openSocket, SOCK } from '../process/descriptor.ts';
import { AF } from '../sockets/address-family.ts';

/** include/uapi/linux/ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL = { driverInfo: 0x03, strings: 0x1b, statistics: 0x1d } as const;
const ETH_SS_STATS = 1;
const STRING_BYTES = 32;
const DRIVER_INFO = { size: 196, driver: 4, statisticsCount: 180 } as const;
const NAME_BYTES = 16;
const IFREQ = { size: 40, data: 16 } as const;
const STRINGS_HEADER_BYTES = 12;
const STATISTICS_HEADER_BYTES = 8;
/** The kernel writes as many counters as there are by then, whatever room it was promised: queues may have been added. */
const SPARE_COUNTERS = 8192;

/** Reads the name and the counters of a device's driver (`ethtool -i`, `ethtool -S`), in the process's network namespace. */
export interface DriverStatistics {
  /** `veth`, `virtio_net`, ... */
  readonly driver: string;
  readonly counters: ReadonlyMap<string, bigint>;
}

/** Returns the statistics; undefined when the device is gone, or its driver has none. */
export function readDriverStatistics(interfaceName: string): DriverStatistics | undefined {
  const socket = openSocket('ethtool socket', { domain: AF.inet, type: SOCK.datagram, protocol: 0 });
  try {
    const ask = (request: Uint8Array): void => ethtool(socket.fd, interfaceName, request);
    const info = requestOf(ETHTOOL.driverInfo, DRIVER_INFO.size);
    ask(info);
    return {
      driver: textAt(info, DRIVER_INFO.driver),
      counters: readCounters(ask, info.readUInt32LE(DRIVER_INFO.statisticsCount)),
    };
  } catch (error) {
    if (['ENODEV', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  } finally {
    socket.close();
  }
}

function readCounters(ask: (request: Uint8Array) => void, count: number): Map<string, bigint> {
  if (count === 0) return new Map();
  const names = requestOf(ETHTOOL.strings, STRINGS_HEADER_BYTES + (count + SPARE_COUNTERS) * STRING_BYTES);
  names.writeUInt32LE(ETH_SS_STATS, 4);
  names.writeUInt32LE(count, 8);
  ask(names);
  const values = requestOf(ETHTOOL.statistics, STATISTICS_HEADER_BYTES + (count + SPARE_COUNTERS) * 8);
  values.writeUInt32LE(count, 4);
  ask(values);
  return new Map(
    Array.from({ length: count }, (_, i) => [
      textAt(names, STRINGS_HEADER_BYTES + i * STRING_BYTES),
      values.readBigUInt64LE(STATISTICS_HEADER_BYTES + i * 8),
    ]),
  );
}

function requestOf(command: number, bytes: number): Buffer {
  const request = Buffer.alloc(bytes);
  request.writeUInt32LE(command, 0);
  return request;
}

function ethtool(fd: number, interfaceName: string, request: Uint8Array): void {
  const ifreq = Buffer.alloc(IFREQ.size);
  ifreq.write(interfaceName, 0, NAME_BYTES - 1);
  ifreq.writeBigUInt64LE(koffi.address(request), IFREQ.data);
  checked(`ask the driver of ${interfaceName}`, libc.ioctl(fd, SIOCETHTOOL, ifreq));
}

function textAt(bytes: Buffer, at: number): string {
  const text = bytes.toString('latin1', at, at + STRING_BYTES);
  return text.split('\0', 1)[0] ?? '';
}
