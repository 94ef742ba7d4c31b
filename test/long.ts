/** How much of something a test does: less in `make test`, which people wait for, than among the long tests of `make test-all`. */
export function quickOrLong(quick: number, long: number): number {
  return process.env['CULVERT_LONG_TESTS'] === '1' ? long : quick;
}
