import { describe, expect, test } from 'vitest';
import { isTotal, LossWatch } from '../../../../../src/dataplane/xdp/paths/loss-watch.ts';
import { isXdpError } from '../../../../../src/dataplane/xdp/xdp-errors.ts';

describe('losses of a way out', () => {
  test('are the rise of the error counters, beside what was sent once that is known', () => {
    const now = { errors: 5, sent: 1000 };
    const watch = new LossWatch({ errors: () => now.errors, sent: () => now.sent });
    expect(watch.look()).toBeUndefined();
    Object.assign(now, { errors: 25, sent: 1020 });
    expect(watch.look()).toEqual({ frames: 20, sent: undefined });
    Object.assign(now, { errors: 125, sent: 1120 });
    expect(watch.look()).toEqual({ frames: 100, sent: 100 });
    expect(watch.look()).toBeUndefined();
  });

  test('are none where the driver does not count, or begins anew', () => {
    let errors: number | undefined;
    const watch = new LossWatch({ errors: () => errors, sent: () => 0 });
    expect(watch.look()).toBeUndefined();
    errors = 7;
    expect(watch.look()).toBeUndefined();
    errors = 3;
    expect(watch.look()).toBeUndefined();
  });

  test.each([
    [{ frames: 100, sent: 100 }, true],
    [{ frames: 95, sent: 100 }, true],
    [{ frames: 50, sent: 100 }, false],
    [{ frames: 3, sent: 3 }, false],
    [{ frames: 100, sent: undefined }, false],
  ])('%o is total: %s', (loss, total) => {
    expect(isTotal(loss)).toBe(total);
  });

  test.each([
    ['rx_queue_0_xdp_tx_errors', true],
    ['tx_queue_3_xdp_xmit_errors', true],
    ['tx_queue_0_xdp_tx_drops', true],
    ['rx0_xdp_tx_full', true],
    ['tx_xdp_err', true],
    ['queue_0_rx_xdp_aborted', true],
    ['Rx ring  0 XDP TX drops', true],
    ['rx_queue_0_xdp_drops', false],
    ['rx_queue_0_xdp_redirect', false],
    ['rx_queue_0_xdp_tx', false],
    ['tx_errors', false],
  ])('%s counts frames that XDP could not send: %s', (name, counts) => {
    expect(isXdpError(name)).toBe(counts);
  });
});
