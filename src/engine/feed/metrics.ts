import type { ConsumerStatus } from './feed-store.ts';
import { DURATION_BUCKETS } from './handled-stats.ts';

/** Prometheus' text format, version 0.0.4. The numbers live in the database: they survive hosts, and every host tells all. */
export function formatMetrics(consumers: readonly ConsumerStatus[]): string {
  const lines: string[] = [];
  const family = (name: string, kind: 'counter' | 'gauge' | 'histogram', help: string) =>
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
  const sample = (name: string, labels: Record<string, string>, value: number) =>
    lines.push(
      `${name}{${Object.entries(labels)
        .map(([key, text]) => `${key}="${escapeLabel(text)}"`)
        .join(',')}} ${value}`,
    );
  const perType = (name: string, help: string, value: (stat: ConsumerStatus['stats'][number]) => number) => {
    family(name, 'counter', help);
    for (const { name: consumer, stats } of consumers)
      for (const stat of stats)
        sample(name, { consumer, connector: connectorOf(stat.type), type: stat.type }, value(stat));
  };
  const perConsumer = (name: string, help: string, value: (consumer: ConsumerStatus) => number) => {
    family(name, 'gauge', help);
    for (const consumer of consumers) sample(name, { consumer: consumer.name }, value(consumer));
  };

  perType('supasaasy_consumer_processed_total', 'Changes that a handler has done.', (stat) => stat.processed);
  perType('supasaasy_consumer_errors_total', 'Handler calls that failed.', (stat) => stat.errors);
  perType('supasaasy_consumer_dead_total', 'Changes that were given up.', (stat) => stat.dead);
  family('supasaasy_consumer_duration_seconds', 'histogram', 'How long handlers took.');
  for (const { name: consumer, stats } of consumers) {
    for (const stat of stats) {
      const labels = { consumer, connector: connectorOf(stat.type), type: stat.type };
      const count = stat.processed + stat.errors;
      DURATION_BUCKETS.forEach((bound, i) => {
        sample('supasaasy_consumer_duration_seconds_bucket', { ...labels, le: String(bound) }, stat.buckets[i] ?? 0);
      });
      sample('supasaasy_consumer_duration_seconds_bucket', { ...labels, le: '+Inf' }, count);
      sample('supasaasy_consumer_duration_seconds_sum', labels, stat.seconds);
      sample('supasaasy_consumer_duration_seconds_count', labels, count);
    }
  }
  perConsumer('supasaasy_consumer_lag_changes', 'Changes that wait (counted up to 100,000).', ({ lag }) => lag.changes);
  perConsumer('supasaasy_consumer_lag_seconds', 'Age of the oldest change that waits.', ({ lag }) => lag.seconds);
  perConsumer('supasaasy_consumer_late', '1 when the lag is above the alert.', ({ lag }) => Number(lag.late));
  perConsumer('supasaasy_consumer_paused', '1 when paused.', ({ paused_at }) => Number(paused_at !== null));
  perConsumer('supasaasy_consumer_dead_letters', 'Dead letters that wait for a person.', (c) => c.dead_letters);
  perConsumer('supasaasy_consumer_held', 'Entities that wait for a retry.', ({ held }) => held);
  return `${lines.join('\n')}\n`;
}

/** `acme` of `acme.customer.updated`. */
const connectorOf = (type: string) => type.split('.')[0] ?? '';

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
