// Counters and connections in the columns that the real ipvsadm was recorded to print them in.
import { describe, expect, test } from 'vitest';
import { countText } from '../../../src/ipvsadm/print/count-text.ts';
import { CONNECTIONS_TITLE, connectionText } from '../../../src/ipvsadm/print/print-connections.ts';
import { type AdmStep, readAdmGolden } from '../../golden/ipvsadm/golden.ts';
import { GOLDEN_NAMES } from './golden-names.ts';

const { scenarios } = readAdmGolden('traffic');

describe.each(scenarios.filter(({ steps }) => steps.some((step) => 'send' in step)))('$name', ({ steps }) => {
  const numeric = linesOf(steps, '-Lcn');

  test('connections by number', () => {
    expect(numeric.length).toBeGreaterThan(5);
    expect(stdoutOf(steps, '-Lcn')).toBe(CONNECTIONS_TITLE + numeric.join(''));
    for (const line of numeric) expect(connectionText(readConnection(line), undefined)).toBe(line);
  });

  test('connections by name', () => {
    const named = linesOf(steps, '-Lc').map(withoutExpiry);
    expect(numeric.map((line) => withoutExpiry(connectionText(readConnection(line), GOLDEN_NAMES)))).toEqual(
      named,
    );
  });
});

// Rates are others a moment later.
const EXACT = '-Ln --stats --exact';

describe('counts', () => {
  const known = scenarios.flatMap(({ steps }) =>
    steps.flatMap((step, index): [string, string][] => {
      const exact = steps[index + 1];
      const isPair = 'run' in step && exact !== undefined && 'run' in exact && exact.run === EXACT;
      return isPair ? [[step.stdout ?? '', exact.stdout ?? '']] : [];
    }),
  );

  test.each(known)('as recorded, exact or not (%#)', (shown, exact) => {
    expect(rowsOf(shown).length).toBeGreaterThan(0);
    rowsOf(exact).forEach((row, index) => {
      const counts = row.slice(33).trim().split(/\s+/).map(Number);
      expect(counts.map((count) => countText(count, true)).join('')).toBe(row.slice(33));
      expect(counts.map((count) => countText(count, false)).join('')).toBe(rowsOf(shown)[index]?.slice(33));
    });
  });

  test.each([
    [99_999_999, ' 99999999'],
    [100_000_000, '  100000K'],
    [999_999_999, '  999999K'],
    [1_000_000_000, '    1000M'],
    [99_999_999_999, '   99999M'],
    [100_000_000_000, '     100G'],
    [99_999_999_999_999, '   99999G'],
    [100_000_000_000_000, '     100T'],
  ])('%i', (count, text) => {
    expect(countText(count, false)).toBe(text);
  });
});

function stdoutOf(steps: readonly AdmStep[], run: string): string {
  return steps.find((step) => 'run' in step && step.run === run)?.stdout ?? '';
}

/** Without the two of the title. */
function linesOf(steps: readonly AdmStep[], run: string): string[] {
  return stdoutOf(steps, run)
    .split(/(?<=\n)/)
    .slice(2);
}

function rowsOf(table: string): string[] {
  return table.split('\n').slice(3, -1);
}

function withoutExpiry(line: string): string {
  return line.replace(/ \d\d:\d\d /, ' ');
}

function readConnection(line: string): Parameters<typeof connectionText>[0] {
  const [protocol = '', expiry = '', state = '', ...endpoints] = line.trim().split(/\s+/);
  const [client, service, server] = endpoints.map((text) => {
    const at = text.lastIndexOf(':');
    return { address: text.slice(0, at).replace(/[[\]]/g, ''), port: Number(text.slice(at + 1)) };
  });
  const [minutes = 0, seconds = 0] = expiry.split(':').map(Number);
  return {
    protocol: protocol.toLowerCase() as 'tcp',
    client: client?.address ?? '',
    clientPort: client?.port ?? 0,
    service: service?.address ?? '',
    servicePort: service?.port ?? 0,
    server: server?.address ?? '',
    state,
    leftMs: (60 * minutes + seconds) * 1000,
  };
}
