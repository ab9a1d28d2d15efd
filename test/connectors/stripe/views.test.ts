import { beforeAll, expect, it } from 'vitest';
import { stripe } from '../../../connectors/stripe/index.ts';
import { resources } from '../../../connectors/stripe/resources/index.ts';
import { applyMigrations } from '../../../src/engine/migrate.ts';
import { readMigrations } from '../../../src/runtime/node/migration-files.ts';
import { describeEachDatabase, registerTemplate, type TestDatabase } from '../../setup/database.ts';

registerTemplate('stripe', async (database) => {
  await applyMigrations(database, await readMigrations([stripe]));
});

/** What a row needs beside what a test is about. */
const INSERT = `insert into supasaasy.entities (app_key, collection_key, external_id, parent_id, raw_payload, payload_hash,
  version, version_until, version_source, observed_at, created_at, updated_at, deleted_at, source_created_at)
  values ($1, $2, $3, $4, $5, 0, 0, 0, 'read', now(), now(), now(), $6,
    to_timestamp(supasaasy.instant_ms($5::jsonb -> 'created', 's') / 1000.0))`;

const names = Object.keys(resources);
/** `stripe_tax_ids` of `tax_id`. */
const viewOf = (name: string) => `supasaasy.stripe_${name}s`;

/** Values that are not what they should be, and that a cast or an index would stumble over. */
const DIRTY: readonly unknown[] = [
  null,
  '11-50',
  '',
  'x'.repeat(9_000),
  // Does not compress: an index could not hold it.
  Array.from({ length: 3_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join(''),
  -1.5,
  true,
  [],
  [[{}]],
  {},
  { id: { id: 1 } },
  { data: 'none', amount: [] },
  'infinity',
];
/** As JSON text: numbers that JavaScript cannot hold, dates that PostgreSQL cannot. */
const DIRTY_JSON = [
  ...DIRTY.map((value) => JSON.stringify(value)),
  '1e300',
  '9223372036854775808',
  '253402300800',
  '-1e15',
  `1${'0'.repeat(40)}`,
];

describeEachDatabase('the views of Stripe', (make) => {
  let db: TestDatabase;
  const put = async (
    name: string,
    id: string,
    payload: unknown,
    parent: string | null = null,
    deleted: Date | null = null,
  ) => {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    await db.query(INSERT, ['stripe_main', `stripe_${name}`, id, parent, text, deleted]);
  };
  const one = async (name: string, id: string) => {
    const [row] = await db.query<Record<string, unknown>>(`select * from ${viewOf(name)} where id = $1`, [id]);
    return row ?? {};
  };
  beforeAll(async () => {
    db = await make({ template: 'stripe' });
  });

  /** The fields that a view reads, at every level. Its indexes read no others. */
  const fieldsOf = async (name: string) => {
    const [view] = await db.query<{ text: string }>(`select pg_get_viewdef($1::regclass) as text`, [viewOf(name)]);
    const paths = view?.text.match(/raw_payload (?:->|#>) '[^']+'/g) ?? [];
    return [...new Set(paths.flatMap((path) => path.split("'")[1]?.match(/[a-z_0-9]+/g) ?? []))];
  };

  it('S4-32 … S4-34: their migrations may run again, on a database that has data', async () => {
    await put('coupon', 'kept', { id: 'kept', percent_off: 12.5, valid: true });
    for (const migration of await readMigrations([stripe])) {
      if (migration.source === 'stripe') await db.database.script(migration.sql);
    }
    expect(await one('coupon', 'kept')).toMatchObject({ percent_off: '12.5', valid: true });
  });

  it('there is one for each resource, and it names app, id, archive, synchronisation and payload', async () => {
    for (const name of names) {
      const columns = await db.query<{ column_name: string }>(
        `select column_name from information_schema.columns where table_schema = 'supasaasy' and table_name = $1 order by ordinal_position`,
        [`stripe_${name}s`],
      );
      const list = columns.map((column) => column.column_name);
      expect(list.slice(0, 2), name).toEqual(['app_key', 'id']);
      expect(list, name).toEqual(expect.arrayContaining(['archived_at', 'synced_at', 'raw_payload']));
    }
  });

  it('A39: they run with the rights of the reader', async () => {
    const rows = await db.query(`select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'supasaasy' and c.relkind = 'v' and c.relname like 'stripe_%' and not coalesce(c.reloptions @> '{security_invoker=true}', false)`);
    expect(rows).toEqual([]);
  });

  it('they hide tombstones and other apps stay apart', async () => {
    await put('product', 'gone', { id: 'gone', name: 'x' }, null, new Date());
    await put('product', 'here', {
      id: 'here',
      name: 'Tee',
      active: false,
      created: 1_700_000_000,
      metadata: { a: '1' },
    });
    expect(await db.query(`select app_key, id from ${viewOf('product')}`)).toEqual([
      { app_key: 'stripe_main', id: 'here' },
    ]);
    expect(await one('product', 'here')).toMatchObject({
      name: 'Tee',
      active: false,
      created: new Date(1_700_000_000_000),
      metadata: { a: '1' },
    });
  });

  it('A28, A27: dirty values of every field neither break a view nor keep a row out', async () => {
    for (const name of names) {
      const fields = await fieldsOf(name);
      expect(fields.length, name).toBeGreaterThan(4);
      for (const [i, value] of DIRTY_JSON.entries()) {
        const id = `dirty_${i}`;
        // The same value in each field, and in each field of an object in each field.
        const inner = `{${fields.map((field) => `"${field}":${value}`).join(',')}}`;
        const payload =
          i % 2 === 0
            ? inner
            : `{${fields.map((field) => `"${field}":{"id":${value},"price":${value},"0":${value}}`).join(',')}}`;
        await put(name, id, payload);
      }
      const rows = await db.query(`select * from ${viewOf(name)} where id like 'dirty_%'`);
      expect(rows.length, name).toBe(DIRTY_JSON.length);
      await db.query(`delete from supasaasy.entities where collection_key = $1 and external_id like 'dirty_%'`, [
        `stripe_${name}`,
      ]);
    }
  }, 120_000);

  it('shows the billing period of a subscription before and after 2025-03-31.basil', async () => {
    const period = { current_period_start: 1_700_000_000, current_period_end: 1_702_592_000 };
    await put('subscription', 'old', { id: 'old', customer: 'cus_1', ...period, items: { data: [{ id: 'si_1' }] } });
    await put('subscription', 'new', {
      id: 'new',
      customer: { id: 'cus_1' },
      items: { data: [{ id: 'si_2', ...period }] },
    });
    for (const id of ['old', 'new']) {
      expect(await one('subscription', id), id).toMatchObject({
        customer_id: 'cus_1',
        current_period_start: new Date(1_700_000_000_000),
        current_period_end: new Date(1_702_592_000_000),
      });
    }
  });

  it('shows what an invoice and its lines came from before and after 2025-03-31.basil', async () => {
    await put('invoice', 'in_old', {
      ...{ id: 'in_old', customer: 'cus_1', subscription: 'sub_1', payment_intent: 'pi_1', charge: 'ch_1' },
      ...{ quote: 'qt_1', paid: true, tax: 19, amount_due: 119, status: 'paid', currency: 'eur' },
    });
    const payment = { payment_intent: 'pi_1', charge: 'ch_1', type: 'payment_intent' };
    await put('invoice', 'in_new', {
      ...{ id: 'in_new', customer: 'cus_1', amount_due: 119, status: 'paid', currency: 'eur' },
      parent: { subscription_details: { subscription: 'sub_1' }, quote_details: { quote: 'qt_1' } },
      payments: { data: [{ id: 'inpay_1', payment }] },
      total_taxes: [{ amount: 12 }, { amount: 7 }, { amount: 'x' }],
    });
    for (const id of ['in_old', 'in_new']) {
      expect(await one('invoice', id), id).toMatchObject({
        ...{ customer_id: 'cus_1', subscription_id: 'sub_1', payment_intent_id: 'pi_1', charge_id: 'ch_1' },
        ...{ quote_id: 'qt_1', paid: true, tax: '19', amount_due: '119', status: 'paid', currency: 'eur' },
      });
    }
    const price = { id: 'price_1', product: 'prod_1', unit_amount_decimal: '119' };
    await put(
      'invoice_line_item',
      'il_old',
      { id: 'il_old', price, subscription: 'sub_1', subscription_item: 'si_1', invoice_item: 'ii_1', proration: true },
      'in_1',
    );
    await put(
      'invoice_line_item',
      'il_new',
      {
        id: 'il_new',
        parent: {
          subscription_item_details: {
            subscription: 'sub_1',
            subscription_item: 'si_1',
            invoice_item: 'ii_1',
            proration: true,
          },
        },
        pricing: { price_details: { price: 'price_1', product: 'prod_1' }, unit_amount_decimal: '119' },
      },
      'in_1',
    );
    for (const id of ['il_old', 'il_new']) {
      expect(await one('invoice_line_item', id), id).toMatchObject({
        ...{ invoice_id: 'in_1', price_id: 'price_1', product_id: 'prod_1', subscription_id: 'sub_1' },
        ...{ subscription_item_id: 'si_1', invoice_item_id: 'ii_1', proration: true, unit_amount_decimal: '119' },
      });
    }
  });

  it('shows the coupon of a promotion code before and after 2025-09-30.clover', async () => {
    await put('promotion_code', 'promo_old', { id: 'promo_old', coupon: { id: 'SAVE' }, code: 'A' });
    await put('promotion_code', 'promo_new', {
      id: 'promo_new',
      promotion: { type: 'coupon', coupon: 'SAVE' },
      code: 'A',
    });
    for (const id of ['promo_old', 'promo_new']) expect((await one('promotion_code', id))['coupon_id']).toBe('SAVE');
  });

  it('joins and filters find their index', async () => {
    await db.database.script(`insert into supasaasy.entities (app_key, collection_key, external_id, raw_payload, payload_hash,
        version, version_until, version_source, observed_at, created_at, updated_at)
      select 'stripe_big', c, left(c, 10) || i, jsonb_build_object('customer', 'stripe_cus' || i, 'status', 's' || i % 99, 'created', 1700000000 + i, 'email', i || '@example.com'),
        0, 0, 0, 'read', now(), now(), now()
      from generate_series(1, 4000) i, unnest(array['stripe_customer', 'stripe_subscription']) c;
      analyze supasaasy.entities_stripe_customer; analyze supasaasy.entities_stripe_subscription`);
    const plan = async (sql: string) => {
      const rows = await db.query<Record<string, string>>(`explain ${sql}`);
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    };
    const join = `from supasaasy.stripe_customers c join supasaasy.stripe_subscriptions s on s.customer_id = c.id and s.app_key = c.app_key`;
    const cases: [string, string[]][] = [
      [`select id from supasaasy.stripe_customers where id = 'stripe_cus7'`, ['entities_stripe_customer_pkey']],
      [`select id from supasaasy.stripe_customers where email = '7@example.com'`, ['stripe_customer_email']],
      [`select id from supasaasy.stripe_subscriptions where status = 's7'`, ['stripe_subscription_status']],
      [
        `select id from supasaasy.stripe_subscriptions where created >= '2023-11-14T23:19:00Z'`,
        ['stripe_subscription_created'],
      ],
      [
        `select s.id ${join} where c.email = '7@example.com'`,
        ['stripe_customer_email', 'stripe_subscription_customer'],
      ],
      [
        `select c.email ${join} where s.id = 'stripe_sub7'`,
        ['entities_stripe_subscription_pkey', 'entities_stripe_customer_pkey'],
      ],
    ];
    for (const [sql, indexes] of cases) {
      const text = await plan(sql);
      for (const index of indexes) expect(text, sql).toContain(index);
    }
  });
});
