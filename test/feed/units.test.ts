import { describe, expect, it } from 'vitest';
import { backoffMs, LONGEST_BACKOFF_MS } from '../../src/engine/feed/backoff.ts';
import { type DeliveredRow, toBatch } from '../../src/engine/feed/delivered-row.ts';
import { createStatsCollector, DURATION_BUCKETS } from '../../src/engine/feed/handled-stats.ts';
import { formatMetrics } from '../../src/engine/feed/metrics.ts';
import { isPrivateAddress } from '../../src/engine/feed/private-address.ts';
import { createWake } from '../../src/engine/feed/wake.ts';
import { defaultPorts } from '../../src/engine/ports.ts';

describe('an address', () => {
  it.each([
    ['0.0.0.0', '0.255.255.255'],
    ['10.0.0.0', '10.255.255.255'],
    ['100.64.0.0', '100.127.255.255'],
    ['127.0.0.0', '127.255.255.255'],
    ['169.254.0.0', '169.254.255.255'],
    ['172.16.0.0', '172.31.255.255'],
    ['192.0.0.0', '192.0.0.255'],
    ['192.0.2.0', '192.0.2.255'],
    ['192.168.0.0', '192.168.255.255'],
    ['198.18.0.0', '198.19.255.255'],
    ['198.51.100.0', '198.51.100.255'],
    ['203.0.113.0', '203.0.113.255'],
    ['224.0.0.0', '255.255.255.255'],
  ])('from %s to %s is private, and no further', (first, last) => {
    const number = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const text = (value: number) => [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join('.');
    for (const address of [first, last]) {
      expect(isPrivateAddress(address), address).toBe(true);
      expect(isPrivateAddress(`::ffff:${address}`), `::ffff:${address}`).toBe(true);
      expect(isPrivateAddress(`64:ff9b::${address}`)).toBe(true);
      const hex = [number(address) / 65_536, number(address)]
        .map((part) => (Math.floor(part) % 65_536).toString(16))
        .join(':');
      expect(isPrivateAddress(`[::ffff:${hex}]`), hex).toBe(true);
      expect(isPrivateAddress(`64:ff9b::${hex}`), hex).toBe(true);
    }
    for (const value of [number(first) - 1, number(last) + 1]) {
      if (value < 0 || value >= 2 ** 32) continue;
      expect(isPrivateAddress(text(value)), text(value)).toBe(false);
      expect(isPrivateAddress(`::ffff:${text(value)}`)).toBe(false);
    }
  });

  it.each([
    'localhost',
    'LOCALHOST',
    'a.localhost',
    'printer.local',
    'db.internal',
    'x.home.arpa',
    'intranet',
    '',
    'localhost.',
    '::',
    '::1',
    '[::1]',
    'fe80::1%eth0',
    'fc00::1',
    'fd12::1',
    'ff02::1',
    '2001::1',
    '2001:0:1::',
    '2001:0000:1::',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff:1::',
    '1fff::1',
    '4000::1',
    '100::1',
  ])('%s is private', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each([
    'example.com',
    'example.com.',
    'local.example',
    'internal.example.com',
    'home.arpa.example',
    'xlocal.com',
    '1.1.1.1',
    '2600::1',
    '2606:4700::1111',
    '[2a00:1450::1]',
    '3ffe::1',
    '2001:4860::8888',
    '2003::1',
    '::ffff:101:101',
    '1.2.3.4.example.com',
  ])('%s is public', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });
});

describe('a backoff', () => {
  it('doubles from its base up to three minutes, between half of that and all of it', () => {
    const at = (attempt: number, random: number) => backoffMs(1000, attempt, () => random);
    expect([1, 2, 3, 8, 9, 99].map((attempt) => at(attempt, 1))).toEqual([1000, 2000, 4000, 128_000, 180_000, 180_000]);
    expect([1, 2, 99].map((attempt) => at(attempt, 0))).toEqual([500, 1000, 90_000]);
    expect(backoffMs(1e-7, 99, () => 1)).toBeCloseTo(1e-7 * 2 ** 30, 6);
    expect(LONGEST_BACKOFF_MS).toBe(180_000);
  });
});

describe('what handlers did', () => {
  it('is counted per type and taken once', () => {
    const stats = createStatsCollector();
    expect(stats.take()).toBeUndefined();
    stats.add('a', 0.005, false);
    stats.add('a', 0.25, true);
    stats.add('b', 61, false);
    expect(stats.take()).toEqual([
      { type: 'a', processed: 1, errors: 1, seconds: 0.255, buckets: [1, 1, 1, 2, 2, 2, 2] },
      { type: 'b', processed: 1, errors: 0, seconds: 61, buckets: [0, 0, 0, 0, 0, 0, 0] },
    ]);
    expect(stats.take()).toBeUndefined();
    expect(DURATION_BUCKETS).toEqual([0.005, 0.025, 0.1, 0.5, 2.5, 10, 60]);
  });

  it("is told in Prometheus' format", () => {
    const status = {
      name: 'mail',
      stats: [
        { type: 'acme.thing."x\\y\n', processed: 3, errors: 2, dead: 1, seconds: 0.5, buckets: [1, 2, 3, 4, 5, 5] },
      ],
      lag: { changes: 7, more: false, seconds: 8, late: true },
      paused_at: '2026-03-01T00:00:00Z',
      dead_letters: 4,
      held: 6,
    };
    const idle = { ...status, name: 'idle', stats: [], paused_at: null, lag: { ...status.lag, late: false } };
    const text = formatMetrics([status, idle] as unknown as Parameters<typeof formatMetrics>[0]);
    const labels = String.raw`consumer="mail",connector="acme",type="acme.thing.\"x\\y\n"`;
    const lines = text.split('\n');
    expect(lines.filter((line) => !line.startsWith('#'))).toEqual([
      `supasaasy_consumer_processed_total{${labels}} 3`,
      `supasaasy_consumer_errors_total{${labels}} 2`,
      `supasaasy_consumer_dead_total{${labels}} 1`,
      ...[1, 2, 3, 4, 5, 5, 0].map(
        (count, i) => `supasaasy_consumer_duration_seconds_bucket{${labels},le="${DURATION_BUCKETS[i]}"} ${count}`,
      ),
      `supasaasy_consumer_duration_seconds_bucket{${labels},le="+Inf"} 5`,
      `supasaasy_consumer_duration_seconds_sum{${labels}} 0.5`,
      `supasaasy_consumer_duration_seconds_count{${labels}} 5`,
      'supasaasy_consumer_lag_changes{consumer="mail"} 7',
      'supasaasy_consumer_lag_changes{consumer="idle"} 7',
      'supasaasy_consumer_lag_seconds{consumer="mail"} 8',
      'supasaasy_consumer_lag_seconds{consumer="idle"} 8',
      'supasaasy_consumer_late{consumer="mail"} 1',
      'supasaasy_consumer_late{consumer="idle"} 0',
      'supasaasy_consumer_paused{consumer="mail"} 1',
      'supasaasy_consumer_paused{consumer="idle"} 0',
      'supasaasy_consumer_dead_letters{consumer="mail"} 4',
      'supasaasy_consumer_dead_letters{consumer="idle"} 4',
      'supasaasy_consumer_held{consumer="mail"} 6',
      'supasaasy_consumer_held{consumer="idle"} 6',
      '',
    ]);
    const types = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ').slice(2).join(' '));
    expect(types).toEqual([
      'supasaasy_consumer_processed_total counter',
      'supasaasy_consumer_errors_total counter',
      'supasaasy_consumer_dead_total counter',
      'supasaasy_consumer_duration_seconds histogram',
      ...['lag_changes', 'lag_seconds', 'late', 'paused', 'dead_letters', 'held'].map(
        (name) => `supasaasy_consumer_${name} gauge`,
      ),
    ]);
    for (const line of lines.filter((one) => one.startsWith('# HELP')))
      expect(line.split(' ').length).toBeGreaterThan(4);
  });
});

describe('a bell', () => {
  const never = new AbortController().signal;
  const open = () => {
    const slept: { ms: number; signal: AbortSignal | undefined; wake: () => void }[] = [];
    const wake = createWake(
      defaultPorts({
        sleep: (ms, signal) =>
          new Promise((resolve) => {
            slept.push({ ms, signal, wake: resolve });
            if (signal?.aborted === true) resolve();
            signal?.addEventListener('abort', () => resolve());
          }),
      }),
    );
    return { wake, slept };
  };

  it('ends a wait, and the next one too when it rang before', async () => {
    const { wake, slept } = open();
    const waits = [wake.wait(50, never), wake.wait(60, never)];
    expect(slept.map(({ ms }) => ms)).toEqual([50, 60]);
    wake.ring();
    await Promise.all(waits);
    wake.ring();
    await wake.wait(70, never);
    expect(slept).toHaveLength(2);
    // Once only.
    const again = wake.wait(80, never);
    expect(slept).toHaveLength(3);
    slept[2]?.wake();
    await again;
    // A ring that somebody heard is not kept.
    const heard = wake.wait(90, never);
    wake.ring();
    await heard;
    void wake.wait(95, never);
    expect(slept).toHaveLength(5);
  });

  it('is not waited for once the signal has ended', async () => {
    const { wake, slept } = open();
    await wake.wait(50, AbortSignal.abort());
    expect(slept).toEqual([]);
    const controller = new AbortController();
    const waiting = wake.wait(50, controller.signal);
    controller.abort();
    await waiting;
  });
});

describe('a batch in rows', () => {
  const row: DeliveredRow = {
    seq: '9007199254740991',
    id: 'c',
    foreign_id: 'f',
    type: 't',
    app_key: 'a',
    collection_key: 'k',
    external_id: 'e',
    operation: 'update',
    origin: 'webhook',
    origin_id: 'ev_1',
    version: '12',
    created_at: '2026-03-01T00:00:00Z',
    before: { a: 1 },
    after: { a: 2 },
    changed_fields: ['a'],
    attempt: 2,
    batch: null,
  };
  const last = { ...row, batch: { token: 5, lease_ms: 30, wait_ms: 0 } };

  it('is what the JSON says', () => {
    expect(toBatch([row, last])).toEqual({
      token: 5,
      lease_ms: 30,
      wait_ms: 0,
      changes: [
        {
          seq: 9007199254740991,
          id: 'c',
          foreign_id: 'f',
          type: 't',
          app_key: 'a',
          collection_key: 'k',
          external_id: 'e',
          operation: 'update',
          headers: {
            app_key: 'a',
            collection_key: 'k',
            external_id: 'e',
            operation: 'update',
            origin: 'webhook',
            origin_id: 'ev_1',
            version: '12',
            idempotency_key: 'c',
          },
          created_at: '2026-03-01T00:00:00Z',
          before: { a: 1 },
          after: { a: 2 },
          changed_fields: ['a'],
          attempt: 2,
        },
      ],
    });
    expect(toBatch([{ ...last, batch: { token: null, wait_ms: 3, changes: [] } }])).toEqual({
      token: null,
      wait_ms: 3,
      changes: [],
    });
  });

  it('is refused without its last row', () => {
    expect(() => toBatch([row])).toThrow('without a batch');
    expect(() => toBatch([])).toThrow('without a batch');
  });
});
