import '../../connectors/stripe/index.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditRun } from '../../src/engine/proof.ts';
import { getConnector } from '../../src/kit/define-connector.ts';
import { atMost, type Bench, fixed, median, megabytes, type Row, whole } from '../harness/bench.ts';
import { startTrial } from '../harness/stage.ts';

const MINUTES = 30;
const QUICK_MINUTES = 3;
const CHANGES_PER_SECOND = 20;
const SAMPLE_MS = 5_000;
const AUDIT_EVERY_MINUTES = 5;

/** A server under continuous changes: webhooks doubled and reordered, an incremental run a minute, an audit each five. */
export const soak: Bench = {
  name: 'soak',
  what: `${MINUTES} minutes of ${CHANGES_PER_SECOND} changes/s into one server: webhooks, a run each minute, an audit each five`,
  minutes: MINUTES + 2,
  async run(stage, options) {
    const minutes = options.quick ? QUICK_MINUTES : MINUTES;
    const sandbox = await stage.sandbox({ size: { customers: 2_400 } });
    const resources = Object.keys(getConnector('stripe').resources);
    const trial = await startTrial(stage, sandbox, { resources, every: '* * * * *' });
    const first = await trial.engine.call('sync', { mode: 'full' });
    if (first.run.state !== 'completed') throw new Error(`the first run is ${first.run.state}: ${first.run.error}`);
    const url = `${await trial.engine.call('serve', null)}/webhook/stripe_main`;
    await control(sandbox.url, 'deliver', { url, duplicate: 0.1, reorder: 0.1 });
    await control(sandbox.url, 'live', { per_second: CHANGES_PER_SECOND });
    const began = performance.now();
    const elapsed = () => (performance.now() - began) / 60_000;
    const samples: [minute: number, rss: number][] = [];
    let audited = 0;
    while (elapsed() < minutes) {
      await sleep(SAMPLE_MS);
      samples.push([elapsed(), await trial.engine.call('rss', null)]);
      if (Math.floor(elapsed() / AUDIT_EVERY_MINUTES) <= audited) continue;
      audited += 1;
      const { state } = await trial.engine.call('audit', {});
      options.say(`minute ${fixed(elapsed())}: ${megabytes(samples.at(-1)?.[1] ?? 0)}, audit ${state}`);
    }
    await control(sandbox.url, 'live', { per_second: 0 });
    const { stats } = await control<{ stats: Record<string, number> }>(sandbox.url, 'deliver');
    const counted = await trial.client.query<{ changes: string; deliveries: string; runs: string }>(
      `select (select count(*) from supasaasy.changes) as changes, (select count(*) from supasaasy.inbox) as deliveries,
         (select count(*) from supasaasy.runs where state = 'completed') as runs`,
    );
    // Deliveries that are under way arrive; then nothing changes any more, and mirror and source must be equal.
    await sleep(5_000);
    await trial.engine.call('sync', { mode: 'incremental' });
    // What makes no event (a price that changes inside a subscription) only a comparison finds: repaired, then compared again.
    const found = await trial.engine.call('audit', { repair: true });
    const proof = await trial.engine.call('audit', {});
    const differing = differencesOf(found);
    const left = Object.values(differencesOf(proof)).reduce((sum, count) => sum + count, 0);
    const within = (from: number, to: number) =>
      median(samples.filter(([minute]) => minute >= from && minute < to).map(([, rss]) => rss));
    // A quick run has no fifth minute.
    const reference = options.quick ? within(1, 2) : within(5, 6);
    const last = within(minutes - 1, minutes + 1);
    const table: Row[] = samples
      .filter((_, index) => index % Math.ceil(samples.length / 12) === 0)
      .map(([minute, rss]) => ({ minute: fixed(minute), RSS: megabytes(rss) }));
    return {
      tables: {
        memory: table,
        work: [
          {
            'deliveries sent': whole(stats['sent'] ?? 0),
            'deliveries stored': counted.rows[0]?.deliveries ?? '',
            'changes in the feed': counted.rows[0]?.changes ?? '',
            'runs completed': counted.rows[0]?.runs ?? '',
          },
        ],
      },
      goals: [
        atMost('RSS of the last minute, against that of the minute after the fifth', last / reference, 1.1, '×', (n) =>
          fixed(n, 3),
        ),
        atMost('differences after the last audit', left, 0, 'objects'),
      ],
      notes: [`found and repaired by the last audit: ${JSON.stringify(differing)}`],
      series: { rss: samples },
    };
  },
};

/** Objects that differ, per resource; the equal resources are left out. */
function differencesOf({ resources }: AuditRun): Record<string, number> {
  const counted = Object.entries(resources).map(
    ([name, { missing, stale, extra }]) => [name, missing + stale + extra] as const,
  );
  return Object.fromEntries(counted.filter(([, count]) => count > 0));
}

async function control<Answer>(sandboxUrl: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(
    `${sandboxUrl}/_sandbox/${path}`,
    body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
  );
  if (!response.ok) throw new Error(`the sandbox answered ${response.status} to ${path}`);
  return (await response.json()) as Answer;
}
