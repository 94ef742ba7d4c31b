// Errors of XDP in an adapter's counters.
import { readDriverStatistics } from '../../linux/devices/driver-statistics.ts';

/**
 * Returns how many frames a driver could not send for XDP; undefined where it does not count them. Each driver has its own names:
 * `rx_queue_0_xdp_tx_errors` and `tx_queue_0_xdp_xmit_errors` (veth), `tx_queue_0_xdp_tx_drops` (virtio_net), `rx_xdp_tx_full`
 * and `tx_xdp_err` (mlx5), `xdp_aborted` (ena). `xdp_drops` does not count: in most drivers it holds what a program dropped on
 * purpose.
 */
export function xdpErrors(interfaceName: string): number | undefined {
  const counters = readDriverStatistics(interfaceName)?.counters ?? new Map<string, bigint>();
  const errors = [...counters].filter(([name]) => isXdpError(name));
  return errors.length === 0 ? undefined : Number(errors.reduce((sum, [, count]) => sum + count, 0n));
}

const FAILURE = /err|full|fail|abort|exception|tx[ _]drop/;

export function isXdpError(counter: string): boolean {
  const name = counter.toLowerCase();
  return name.includes('xdp') && FAILURE.test(name);
}
