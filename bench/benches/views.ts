import type { Client } from 'pg';
import { atMost, type Bench, fixed, percentile, type Row, sized, whole } from '../harness/bench.ts';
import { startTrial } from '../harness/stage.ts';

const TIMES = 40;
const RESOURCES = [
  'customer',
  'product',
  'price',
  'subscription',
  'subscription_item',
  'invoice',
  'invoice_line_item',
  'payment_intent',
  'charge',
  'payment_method',
];

/** What a person asks of the views every day. `$1` is drawn anew each time from `pick`. */
const QUERIES: Readonly<Record<string, { readonly sql: string; readonly pick?: string }>> = {
  'one customer by id': {
    sql: `select * from supasaasy.stripe_customers where app_key = 'stripe_main' and id = $1`,
    pick: 'select id from supasaasy.stripe_customers',
  },
  'one customer by email': {
    sql: 'select id, name, email from supasaasy.stripe_customers where email = $1',
    pick: 'select email from supasaasy.stripe_customers',
  },
  'the subscriptions of a customer': {
    sql: 'select id, status, current_period_end from supasaasy.stripe_subscriptions where customer_id = $1',
    pick: 'select id from supasaasy.stripe_customers',
  },
  'the 50 newest subscriptions that are past due': {
    sql: `select id, customer_id, created from supasaasy.stripe_subscriptions where status = 'past_due' order by created desc limit 50`,
  },
  'the invoices of a customer, newest first': {
    sql: 'select id, status, total, created from supasaasy.stripe_invoices where customer_id = $1 order by created desc limit 20',
    pick: 'select id from supasaasy.stripe_customers',
  },
  'the charges of one day': {
    sql: `select count(*), sum(amount) from supasaasy.stripe_charges where created >= $1::timestamptz and created < $1::timestamptz + interval '1 day'`,
    pick: 'select created from supasaasy.stripe_charges',
  },
  'what a customer pays for: subscription, item, price, product': {
    sql: `select s.id, s.status, i.quantity, p.unit_amount, d.name
      from supasaasy.stripe_subscriptions s
      join supasaasy.stripe_subscription_items i on i.subscription_id = s.id and i.app_key = s.app_key
      join supasaasy.stripe_prices p on p.id = i.price_id and p.app_key = i.app_key
      join supasaasy.stripe_products d on d.id = p.product_id and d.app_key = p.app_key
      where s.customer_id = $1`,
    pick: 'select id from supasaasy.stripe_customers',
  },
  'the lines of an invoice': {
    sql: 'select id, amount, description from supasaasy.stripe_invoice_line_items where invoice_id = $1',
    pick: 'select id from supasaasy.stripe_invoices',
  },
  'how a charge was paid': {
    sql: `select c.id, c.amount, p.status from supasaasy.stripe_charges c
      join supasaasy.stripe_payment_intents p on p.id = c.payment_intent_id and p.app_key = c.app_key where c.id = $1`,
    pick: 'select id from supasaasy.stripe_charges',
  },
};

/** The views over a large account, read as people read them. */
export const views: Bench = {
  name: 'views',
  what: 'the usual queries of the views at 1,000,000 entities, 40 times each with other values',
  minutes: 6,
  async run(stage, options) {
    const sandbox = await stage.sandbox({ size: { customers: sized(136_000, options) } });
    const trial = await startTrial(stage, sandbox, { resources: RESOURCES });
    options.say('mirroring the account');
    const { rows } = await trial.sync('full');
    const { client } = trial;
    // As autovacuum does a minute later.
    await client.query('vacuum (analyze) supasaasy.entities');
    const [{ all = 0 } = {}] = (
      await client.query<{ all: number }>(
        'select count(*)::int as all from supasaasy.entities where deleted_at is null',
      )
    ).rows;
    const table: Row[] = [];
    const plans: string[] = [];
    let slowest = 0;
    for (const [name, { sql, pick }] of Object.entries(QUERIES)) {
      const values = pick === undefined ? undefined : await draw(client, pick);
      const times: number[] = [];
      let found = 0;
      for (let i = 0; i < TIMES; i += 1) {
        const params = values === undefined ? [] : [values[i % values.length]];
        const began = performance.now();
        found += (await client.query(sql, params)).rows.length;
        times.push(performance.now() - began);
      }
      const p95 = percentile(times, 0.95);
      slowest = Math.max(slowest, p95);
      const plan = await explain(client, sql, values?.[0]);
      plans.push(`${name}\n${plan}`);
      table.push({
        query: name,
        'p50, ms': fixed(percentile(times, 0.5), 2),
        'p95, ms': fixed(p95, 2),
        'rows each': fixed(found / TIMES),
        'reads a table whole': plan.includes('Seq Scan') ? 'yes' : 'no',
      });
    }
    await trial.end();
    return {
      tables: { [`${whole(all)} entities (${whole(rows)} compared with the source)`]: table },
      goals: [
        atMost('p95 of the slowest query', slowest, 100, 'ms', fixed),
        atMost(
          'queries that read a whole table',
          table.filter((row) => row['reads a table whole'] === 'yes').length,
          0,
          '',
        ),
      ],
      notes: [`Plans:\n\n${plans.join('\n\n')}`],
    };
  },
};

/** Some values out of many, the same ones every time. */
async function draw(client: Client, pick: string): Promise<string[]> {
  const { rows } = await client.query<{ value: string }>(
    `select value::text as value from (${pick}) picked(value) where value is not null order by md5(value::text) limit ${TIMES}`,
  );
  return rows.map(({ value }) => value);
}

async function explain(client: Client, sql: string, value: string | undefined): Promise<string> {
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, costs off, timing off, summary off, buffers off) ${sql}`,
    value === undefined ? [] : [value],
  );
  return rows.map((row) => `  ${row['QUERY PLAN']}`).join('\n');
}
