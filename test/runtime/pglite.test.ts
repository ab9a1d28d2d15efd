import { expect, it } from 'vitest';
import { createPglite } from '../../src/runtime/node/pglite.ts';

it('a delivery that comes while a sync writes waits for one page, not for the pages of all its tasks', async () => {
  const database = await createPglite();
  await database.script(`
    create schema supasaasy;
    create table public.done (place serial, what text);
    create function supasaasy.ingest_page(p_n int) returns void language sql as $$ insert into public.done (what) values ('page') $$;
    create function supasaasy.accept_deliveries(p_n int) returns void language sql as $$ insert into public.done (what) values ('delivery') $$;`);
  const pages = Array.from({ length: 20 }, (_, n) => database.call('ingest_page', { n }));
  await Promise.all([...pages, database.call('accept_deliveries', { n: 1 })]);
  const [row] = await database.query<{ place: number }>(`select place from public.done where what = 'delivery'`);
  expect(row?.place).toBeLessThanOrEqual(2);
  await database.close();
});

it('a page that fails holds up none behind it', async () => {
  const database = await createPglite();
  await database.script(`
    create schema supasaasy;
    create function supasaasy.ingest_page(p_n int) returns int language sql as $$ select 1 / p_n $$;`);
  const [bad, good] = await Promise.allSettled([
    database.call('ingest_page', { n: 0 }),
    database.call('ingest_page', { n: 1 }),
  ]);
  expect([bad?.status, good?.status]).toEqual(['rejected', 'fulfilled']);
  await database.close();
});
