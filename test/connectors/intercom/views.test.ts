import { beforeAll, describe, expect, it } from 'vitest';
import { intercom } from '../../../connectors/intercom/index.ts';
import { readMigrations } from '../../../src/runtime/node/migration-files.ts';
import { describeEachDatabase, type TestDatabase } from '../../setup/database.ts';
import { INTERCOM_TEMPLATE } from './template.ts';

const VIEWS = Object.keys(intercom.resources).map((name) => `intercom_${name === 'company' ? 'companie' : name}s`);
const LONG = 'x'.repeat(10_000);

/** One of everything that a field should not be. */
const DIRTY: readonly unknown[] = [
  null,
  '',
  'nonsense',
  '11-50',
  -1,
  1e300,
  12.5,
  true,
  [],
  ['a'],
  {},
  { id: 7 },
  { contacts: 3 },
  LONG,
];

describeEachDatabase(
  'the views of Intercom',
  (make) => {
    let db: TestDatabase;
    beforeAll(async () => {
      db = await make({ template: INTERCOM_TEMPLATE });
    });

    async function store(
      resource: string,
      id: string,
      payload: unknown,
      more: { parent?: string; deleted?: boolean } = {},
    ) {
      await db.query(
        `insert into supasaasy.entities (app_key, collection_key, external_id, parent_id, raw_payload, payload_hash, version, version_until,
           version_source, observed_at, created_at, updated_at, deleted_at)
         values ('main', $1, $2, $3, $4, 0, 0, 0, 'read', now(), now(), now(), case when $5 then now() end)`,
        [`intercom_${resource}`, id, more.parent ?? null, JSON.stringify(payload), more.deleted ?? false],
      );
    }

    it('exist for every resource, obey the reader’s rights and name what they show (S4-33)', async () => {
      const rows = await db.query<{ name: string; options: string[] }>(
        `select relname as name, reloptions as options from pg_class c join pg_namespace n on n.oid = relnamespace
         where nspname = 'supasaasy' and relkind = 'v' and relname like 'intercom%' order by 1`,
      );
      expect(rows.map((row) => row.name)).toEqual([...VIEWS].sort());
      for (const { options } of rows) expect(options).toEqual(['security_invoker=true']);
      for (const view of VIEWS) {
        const columns = await db.query<{ name: string }>(
          `select column_name as name from information_schema.columns where table_schema = 'supasaasy' and table_name = $1`,
          [view],
        );
        expect(columns.map((column) => column.name)).toEqual(
          expect.arrayContaining(['app_key', 'id', 'archived_at', 'synced_at', 'raw_payload']),
        );
      }
    });

    it('read a company as typed columns', async () => {
      await store('company', 'co', {
        id: 'co',
        company_id: 'acme',
        name: 'Acme',
        size: 12,
        monthly_spend: 99.5,
        plan: { id: '1', name: 'Team' },
        tags: { tags: [{ id: 't1' }, { id: 't2' }] },
        created_at: 1_700_000_000,
      });
      const [row] = await db.query(
        `select id, company_id, size::int, monthly_spend::float8, plan_id, plan_name, tag_ids, extract(epoch from created_at)::bigint::text as created, synced_at is not null as synced
         from supasaasy.intercom_companies where company_id = 'acme'`,
      );
      expect(row).toEqual({
        id: 'co',
        company_id: 'acme',
        size: 12,
        monthly_spend: 99.5,
        plan_id: '1',
        plan_name: 'Team',
        tag_ids: ['t1', 't2'],
        created: '1700000000',
        synced: true,
      });
    });

    it('show a dirty value as null and never fail or refuse the row (A28)', async () => {
      await store('company', 'dirty', {
        id: 'dirty',
        size: '11-50',
        monthly_spend: 'a lot',
        created_at: 'yesterday',
        tags: 'none',
      });
      const [row] = await db.query(
        `select size, monthly_spend, created_at, tag_ids, raw_payload ->> 'size' as said from supasaasy.intercom_companies where id = 'dirty'`,
      );
      expect(row).toEqual({ size: null, monthly_spend: null, created_at: null, tag_ids: [], said: '11-50' });
    });

    it.each(Object.keys(intercom.resources))(
      'survive every kind of wrong value in every field of a %s (A28)',
      async (resource) => {
        const view = VIEWS[Object.keys(intercom.resources).indexOf(resource)];
        const [definition] = await db.query<{ text: string }>(
          `select pg_get_viewdef('supasaasy.${view}'::regclass) as text`,
        );
        const paths = [
          ...(definition?.text ?? '').matchAll(
            /'([a-z_]+)'::text|'\{([a-z_,0-9]+)\}'::text\[\]|"?\$"?\.(?:"?([a-z]+)"?)/g,
          ),
        ];
        const fields = new Set(paths.map(([, plain, path, json]) => (plain ?? path?.split(',')[0] ?? json) as string));
        expect(fields.size).toBeGreaterThan(0);
        for (const [index, value] of DIRTY.entries()) {
          await store(resource, `wrong-${index}`, Object.fromEntries([...fields].map((field) => [field, value])));
          await store(resource, `whole-${index}`, value);
        }
        const [count] = await db.query<{ n: number }>(
          `select count(*)::int as n from (select * from supasaasy.${view} where id like 'w%' offset 0) all_columns`,
        );
        expect(count?.n).toBe(DIRTY.length * 2);
      },
    );

    it('hide tombstones', async () => {
      await store('contact', 'gone', { id: 'gone' }, { deleted: true });
      expect(await db.query(`select id from supasaasy.intercom_contacts where id = 'gone'`)).toEqual([]);
    });

    it('join a conversation with its contact and its parts through indexes (S4-34)', async () => {
      await store('contact', 'ann', { id: 'ann', email: 'ann@example.com', external_id: 'user-1' });
      await store('conversation', '7', { id: '7', open: true, contacts: { contacts: [{ id: 'ann' }] }, updated_at: 5 });
      await store(
        'conversation_part',
        'p1',
        { id: 'p1', part_type: 'comment', author: { type: 'admin', id: 3 } },
        { parent: '7' },
      );
      const join = `select c.email, v.id, p.author_id from supasaasy.intercom_contacts c
        join supasaasy.intercom_conversations v on v.contact_id = c.id and v.app_key = c.app_key
        join supasaasy.intercom_conversation_parts p on p.conversation_id = v.id and p.app_key = v.app_key
        where c.email = 'ann@example.com'`;
      expect(await db.query(join)).toEqual([{ email: 'ann@example.com', id: '7', author_id: '3' }]);
      const plan = await planOf(join);
      expect(plan).toContain('intercom_contact_email');
      expect(plan).toContain('intercom_conversation_contact_id');
      expect(plan).toMatch(/entities_intercom_conversation_part_parent_id_app_key_idx/);
      expect(
        await planOf(`select id from supasaasy.intercom_conversations where open and updated_at > now()`),
      ).toContain('intercom_conversation_');
    });

    /** What the planner can use when it does not find the table small enough to read whole. */
    async function planOf(sql: string): Promise<string> {
      await db.database.script(`create or replace function pg_temp_plan(q text) returns text language plpgsql set enable_seqscan = off
        set enable_mergejoin = off set enable_hashjoin = off as $$
        declare line text; plan text := ''; begin for line in execute 'explain ' || q loop plan := plan || line || chr(10); end loop; return plan; end $$;`);
      const [row] = await db.query<{ plan: string }>('select pg_temp_plan($1) as plan', [sql]);
      return row?.plan ?? '';
    }
  },
  { kinds: ['pglite', 'postgres', 'pg15'] },
);

describeEachDatabase('the migrations of Intercom', (make) => {
  it('run again on a database that has them, and keep its rows (S4-32, S4-33, A36)', async () => {
    const { database } = await make({ template: INTERCOM_TEMPLATE });
    await database.query(`insert into supasaasy.entities (app_key, collection_key, external_id, raw_payload, payload_hash, version, version_until,
      version_source, observed_at, created_at, updated_at) values ('main', 'intercom_tag', 't', '{"id":"t","name":"vip"}', 0, 0, 0, 'read', now(), now(), now())`);
    const migrations = await readMigrations([intercom]);
    for (const { sql } of migrations) await database.script(sql);
    expect(await database.query('select id, name from supasaasy.intercom_tags')).toEqual([{ id: 't', name: 'vip' }]);
  });
});

describe('the migrations of Intercom', () => {
  it('are numbered, idempotent in their words, and drop nothing (S4-31, S4-32, A36)', async () => {
    const own = (await readMigrations([intercom])).filter(({ source }) => source === 'intercom');
    expect(own.map(({ name }) => name)).toEqual(['001_views.sql', '002_indexes.sql']);
    for (const { sql } of own) {
      expect(sql).not.toMatch(/\b(drop|cascade|delete|truncate)\b/i);
      expect(sql).not.toMatch(/create view|create index (?!if not exists)/i);
    }
  });

  it('index exactly what the views show, or the planner would not see that they are the same', async () => {
    const [views, indexes] = (await readMigrations([intercom]))
      .filter(({ source }) => source === 'intercom')
      .map(({ sql }) => sql);
    const expressions = [...(indexes ?? '').matchAll(/supasaasy\.as_\w+\([^)]*\)(?: collate "C")?/g)].map(
      ([text]) => text,
    );
    expect(expressions.length).toBeGreaterThan(8);
    for (const expression of expressions) expect(views).toContain(`${expression} as `);
  });
});
