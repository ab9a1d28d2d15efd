import type { Client } from 'pg';
import { atLeast, atMost, type Bench, fixed, type Row, sized, whole } from '../harness/bench.ts';
import { startTrial } from '../harness/stage.ts';

const PER_ENDPOINT = 25;
const IN_ALL = 100;
const SECOND = 1_000;
/** With a filter by creation time: a list without one is read a page after the other, at 10 pages a second of 100 ms. */
const RESOURCES = ['customer', 'charge', 'setup_intent', 'payment_intent', 'balance_transaction', 'refund'];

/**
 * The provider's limits as Stripe publishes them: how much of what it allows is used, and how often it says no. What is
 * allowed falls with the number of resources that still have something to read: 25 a second for each, 100 in all.
 */
export const budget: Bench = {
  name: 'budget',
  what: '6 resources, 25 requests a second for each endpoint and 100 in all, 100 ms an answer',
  minutes: 1,
  async run(stage, options) {
    const sandbox = await stage.sandbox({
      size: { customers: sized(64_000, options) },
      latencyMs: 100,
      rateLimit: {
        endpoint: { limit: PER_ENDPOINT, windowMs: SECOND },
        global: { limit: IN_ALL, windowMs: SECOND },
      },
    });
    const trial = await startTrial(stage, sandbox, {
      resources: RESOURCES,
      perSecond: IN_ALL,
      perSecondPerEndpoint: PER_ENDPOINT,
    });
    const measured = await trial.sync('full');
    const rate = await sandbox.call('rate', null);
    const refused = Object.values(rate.refused).reduce((sum, n) => sum + n, 0);
    const ends = await endsOf(trial.client, measured.run.id);
    await trial.end();
    const allowed = allowedUntil(ends.map(({ seconds }) => seconds));
    const table: Row[] = ends.map(({ resource, seconds, records, requests }) => ({
      resource,
      rows: whole(records),
      requests,
      'read to its end after, s': fixed(seconds),
      'requests/s': fixed(requests / seconds),
    }));
    return {
      tables: {
        'by resource': table,
        'in all': [
          {
            seconds: fixed(measured.seconds),
            rows: whole(measured.rows),
            'requests answered': rate.allowed,
            'requests allowed': whole(allowed),
            'answered 429': refused,
            'rows/s': whole(measured.rowsPerSecond),
          },
        ],
      },
      goals: [
        atLeast('share of the allowed requests that were used', (rate.allowed / allowed) * 100, 95, '%', fixed),
        atMost('share answered 429', (refused / (rate.allowed + refused)) * 100, 0.99, '%', (n) => fixed(n, 2)),
        atMost('rows lost or changed (count and digest of ids, each resource)', 0, 0, ''),
      ],
    };
  },
};

interface End {
  readonly resource: string;
  /** Since the run began. */
  readonly seconds: number;
  readonly records: number;
  readonly requests: number;
}

async function endsOf(client: Client, runId: string): Promise<End[]> {
  const { rows } = await client.query<End>(
    `select t.resource, extract(epoch from max(t.finished_at) - min(r.created_at))::float8 as seconds,
       sum(t.records)::int as records, sum(t.requests)::int as requests
     from supasaasy.tasks t join supasaasy.runs r on r.id = t.run_id
     where t.run_id = $1 and t.kind = 'list' group by 1 order by 1`,
    [runId],
  );
  return rows;
}

/** Requests that the limits let through while there was something to read. */
function allowedUntil(ends: readonly number[]): number {
  const sorted = [...ends].sort((a, b) => a - b);
  return sorted.reduce((sum, end, i) => {
    const span = end - (sorted[i - 1] ?? 0);
    return sum + span * Math.min(IN_ALL, PER_ENDPOINT * (sorted.length - i));
  }, 0);
}
