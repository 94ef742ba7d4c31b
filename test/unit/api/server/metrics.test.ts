import { describe, expect, test } from 'vitest';
import { metricsText } from '../../../../src/api/server/routes/metrics.ts';
import { statusToWire } from '../../../../src/api/server/routes/to-wire.ts';
import { REASON_NAMES } from '../../../../src/forwarding/reasons.ts';
import { ControlDouble } from '../control-double.ts';

/** The text exposition format, 0.0.4: names, labels and values; a sample's metric has HELP and TYPE before it. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.]+(?:e[+-]?\d+)?)$/;

async function text(instance = 'eth0'): Promise<string> {
  const status = await new ControlDouble().status();
  return metricsText(statusToWire({ ...status, instance }));
}

describe('metrics', () => {
  test('every line is a comment or a sample of a metric that was announced', async () => {
    const announced = new Set<string>();
    for (const line of (await text()).trimEnd().split('\n')) {
      const type = /^# TYPE (\S+) (counter|gauge)$/.exec(line);
      if (type?.[1] !== undefined) announced.add(type[1]);
      else if (!/^# HELP \S+ \S/.test(line)) expect(announced).toContain(SAMPLE.exec(line)?.[1]);
    }
    expect(announced.size).toBeGreaterThan(10);
  });

  test('no series occurs twice', async () => {
    const series = (await text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const names = series.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(names).size).toBe(names.length);
  });

  test('services, reals and health have their values', async () => {
    const lines = (await text()).split('\n');
    const web = 'protocol="tcp",vip="192.0.2.10",port="80"';
    expect(lines).toContain(`culvert_service_packets_total{${web}} 1234567`);
    expect(lines).toContain(`culvert_service_tracked_slots{${web}} 17`);
    expect(lines).toContain(`culvert_real_bytes_total{${web},real="10.0.1.2"} 987000000`);
    expect(lines).toContain(`culvert_real_active_flows{${web},real="10.0.1.2"} 3`);
    expect(lines).toContain(`culvert_real_up{${web},real="10.0.1.2"} 1`);
    expect(lines).toContain(`culvert_real_up{${web},real="10.0.2.2"} 0`);
    expect(lines).toContain(`culvert_real_weight{${web},real="10.0.3.2"} 0`);
    expect(lines).toContain(`culvert_real_configured_weight{${web},real="10.0.3.2"} 100`);
    expect(lines).toContain('culvert_handed_over_packets_total 3500');
    const dns = 'protocol="udp",vip="192.0.2.10",port="53"';
    expect(lines).toContain(`culvert_service_quorum_up{${web}} 1`);
    expect(lines).toContain(`culvert_service_quorum_up{${dns}} 0`);
    expect(lines).toContain(`culvert_service_live_weight{${dns}} 100`);
    expect(lines).toContain(`culvert_service_quorum{${dns}} 150`);
    expect(lines).toContain(`culvert_sorry_server_serving{${dns},real="10.0.9.9"} 1`);
    expect(lines.join()).not.toContain(`culvert_sorry_server_serving{${web}`);
  });

  test('every reason is listed, also those that never occurred', async () => {
    const lines = (await text()).split('\n');
    expect(lines).toContain('culvert_reason_packets_total{reason="too-big"} 12');
    expect(lines.filter((line) => line.startsWith('culvert_reason_packets_total{'))).toHaveLength(
      REASON_NAMES.length,
    );
    expect(lines).toContain('culvert_reason_packets_total{reason="no-real"} 0');
  });

  test('label values are escaped', async () => {
    expect(await text('a"b\\c\nd')).toContain('instance="a\\"b\\\\c\\nd"');
  });
});
