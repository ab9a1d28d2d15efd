import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SqlDatabase } from '../../src/engine/database.ts';
import { ExactNumber } from '../../src/kit/json.ts';
import { createPglite } from '../../src/runtime/node/pglite.ts';

let database: SqlDatabase;
beforeAll(async () => {
  database = await createPglite();
  await database.script(`
    create schema supasaasy;
    create table public.done (place serial, what text);
    create function supasaasy.ingest_page(p_n int) returns int language sql as $$
      insert into public.done (what) values ('page'); select 1 / p_n $$;
    create function supasaasy.accept_deliveries(p_n int) returns void language sql as $$
      insert into public.done (what) values ('delivery') $$;`);
});
afterAll(() => database.close());

const done = async (what: string) => (await database.query('select from public.done where what = $1', [what])).length;

it('a delivery that comes while a sync writes waits for one page and the next, not for the pages of all its tasks', async () => {
  const pages = Array.from({ length: 20 }, () => database.call('ingest_page', { n: 1 }));
  await Promise.all([...pages, database.call('accept_deliveries', { n: 1 })]);
  const [row] = await database.query<{ place: number }>(`select place from public.done where what = 'delivery'`);
  expect(row?.place).toBeLessThanOrEqual(3);
});

it('a page that fails holds up none behind it', async () => {
  const [bad, good] = await Promise.allSettled([
    database.call('ingest_page', { n: 0 }),
    database.call('ingest_page', { n: 1 }),
  ]);
  expect([bad?.status, good?.status]).toEqual(['rejected', 'fulfilled']);
});

it('while a statement runs, everything else goes on', async () => {
  let ticks = 0;
  const clock = setInterval(() => {
    ticks += 1;
  }, 5);
  await database.query('select pg_sleep(0.2)');
  clearInterval(clock);
  expect(ticks).toBeGreaterThan(5);
});

it('what PostgreSQL said of an error is all there', async () => {
  const failed = database.script(`do $$ begin
    raise exception 'no such luck' using errcode = 'P0099', detail = 'of all days', hint = 'try tomorrow', table = 'wheels'; end $$`);
  await expect(failed).rejects.toMatchObject({
    name: 'DatabaseError',
    sqlState: 'P0099',
    message: 'script: no such luck',
    cause: { severity: 'ERROR', detail: 'of all days', hint: 'try tomorrow', table: 'wheels', message: 'no such luck' },
  });
  await expect(database.query('select 1 / $1::int', [0])).rejects.toMatchObject({ sqlState: '22012' });
});

it('values come back as they do from a server', async () => {
  const moment = new Date('2026-03-04T05:06:07.089Z');
  expect(
    await database.query('select $1::timestamptz as at, $2::bigint as big, $3::text[] as words, $4::jsonb as json', [
      moment,
      '9007199254740993',
      ['a', 'b,"c'],
      '{"n":[null]}',
    ]),
  ).toEqual([{ at: moment, big: '9007199254740993', words: ['a', 'b,"c'], json: { n: [null] } }]);
});

it('C31: numbers of JSON keep every digit on their way out of the thread', async () => {
  const text = '{"big": 9007199254740993, "exact": 0.10000000000000000001, "plain": 1.5, "text": "9007199254740993"}';
  const [row] = await database.query<{ json: object; text: object }>('select $1::json as json, $1::jsonb as text', [
    text,
  ]);
  const exact = new ExactNumber('0.10000000000000000001');
  const expected = { big: 9007199254740993n, exact, plain: 1.5, text: '9007199254740993' };
  expect(row).toEqual({ json: expected, text: expected });
  // A key that is our own sign between the threads.
  const [other] = await database.query<{ json: unknown }>('select $1::json as json', ['{"\\u0000unread": "x"}']);
  expect(other?.json).toEqual({ '\u0000unread': 'x' });
});

it('bytes are read where they lie in a larger memory, as text too, and stay the caller’s', async () => {
  const TEXT = 'before {"name":"Zoë"} after';
  const memory = new TextEncoder().encode(TEXT);
  const page = memory.subarray('before '.length, -' after'.length);
  const asked = database.query('select $1::text as text, $2::bytea as bytes', [page, Buffer.from('a part of a pool')]);
  expect(new TextDecoder().decode(memory)).toBe(TEXT);
  expect(await asked).toEqual([{ text: '{"name":"Zoë"}', bytes: new TextEncoder().encode('a part of a pool') }]);
  expect(new TextDecoder().decode(memory)).toBe(TEXT);
});

it('what cannot be passed on is refused, and the next question is answered', async () => {
  await expect(database.query('select $1', [() => {}])).rejects.toThrow('could not be cloned');
  expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
});

it('a listener hears of its own channel, until it is closed', async () => {
  const heard: string[] = [];
  const wake = await database.listen?.('wake', () => heard.push('wake'));
  const other = await database.listen?.('other', () => heard.push('other'));
  await database.query('notify wake');
  await wake?.close();
  await database.script('notify wake; notify other');
  await other?.close();
  expect(heard).toEqual(['wake', 'other']);
  await expect(database.listen?.('no channel', () => {})).rejects.toThrow('syntax error');
});

it('a transaction is kept whole, or not at all, and nobody comes between', async () => {
  const write = (what: string) => database.query('insert into public.done (what) values ($1)', [what]);
  const kept = database.transaction(async (tx) => {
    await tx.query(`insert into public.done (what) values ('kept')`);
    return await tx.query<{ alone: boolean }>(
      `select not exists (select from public.done where what = 'between') as alone`,
    );
  });
  const between = write('between');
  const after = database.transaction((tx) => tx.query(`select from public.done where what = 'between'`));
  expect(await kept).toEqual([{ alone: true }]);
  await between;
  expect(await after).toHaveLength(1);
  const undone = database.transaction(async (tx) => {
    await tx.query(`insert into public.done (what) values ('undone')`);
    throw new Error('on second thoughts');
  });
  await expect(undone).rejects.toThrow('on second thoughts');
  const swallowed = database.transaction(async (tx) => {
    await tx.query(`insert into public.done (what) values ('swallowed')`);
    await tx.query('select 1 / 0').catch(() => {});
  });
  await expect(swallowed).rejects.toMatchObject({ sqlState: '25P02' });
  let late: (() => Promise<unknown>) | undefined;
  await database.transaction(async (tx) => {
    late = () => tx.query(`insert into public.done (what) values ('late')`);
  });
  await expect(late?.()).rejects.toThrow('the transaction is over');
  expect(await Promise.all(['kept', 'between', 'undone', 'swallowed', 'late'].map(done))).toEqual([1, 1, 0, 0, 0]);
});

it('C27: a recursion or a JSON text without end in a statement is an error of that statement', async () => {
  await database.script(
    `create function public.deeper(n int) returns int language plpgsql as $$ begin return public.deeper(n + 1); end $$`,
  );
  await expect(database.query('select public.deeper(0)')).rejects.toMatchObject({ sqlState: '54001' });
  const text = '['.repeat(30_000) + ']'.repeat(30_000);
  expect(await database.query('select length($1::json::text) as length', [text])).toEqual([{ length: text.length }]);
  expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
});
