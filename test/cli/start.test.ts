import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveDemo } from '../../sandbox/demo/demo.ts';
import { idsOf } from '../../sandbox/http/truth.ts';
import { createPglite } from '../../src/runtime/node/pglite.ts';
import { createFolder, removeFolder, run, start } from './cli.ts';

/** What the mirror of the demo and its accounts differ in, by collection; empty when nothing does. */
async function differences(folder: string): Promise<Record<string, { missing: number; extra: number }>> {
  const accounts = await serveDemo({ folder: `${folder}/.supasaasy/demo` });
  const database = await createPglite(`${folder}/.supasaasy/demo/pglite`);
  const result: Record<string, { missing: number; extra: number }> = {};
  try {
    for (const { name, server } of accounts) {
      const { provider } = server.control;
      for (const resource of Object.keys(provider.counts())) {
        const rows = await database.query<{ id: string }>(
          'select external_id as id from supasaasy.entities where app_key = $1 and collection_key = $2 and deleted_at is null and archived_at is null',
          [`demo_${name}`, `${name}_${resource}`],
        );
        const archived = await database.query<{ id: string }>(
          'select external_id as id from supasaasy.entities where app_key = $1 and collection_key = $2 and deleted_at is null and archived_at is not null',
          [`demo_${name}`, `${name}_${resource}`],
        );
        const truth = new Set(idsOf(provider, resource));
        const mirror = new Set([...rows, ...archived.filter(({ id }) => truth.has(id))].map(({ id }) => id));
        const missing = [...truth].filter((id) => !mirror.has(id)).length;
        const extra = [...mirror].filter((id) => !truth.has(id)).length;
        if (missing + extra > 0) result[`${name}_${resource}`] = { missing, extra };
      }
    }
    return result;
  } finally {
    await database.close();
    await Promise.all(accounts.map(({ server }) => server.close()));
  }
}

describe('supasaasy start, without any key', { timeout: 240_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = createFolder();
  });
  afterAll(() => removeFolder(folder));

  it('mirrors at least 20,000 and 5,000 emulated objects, in an empty folder, and shows a query with its answer', async () => {
    const { code, stdout, stderr } = await run(['start', '--once'], { cwd: folder });
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
    expect(stdout).toContain('select ');
    expect(await differences(folder)).toEqual({});
    const total = Number(
      /([\d,]+) rows/
        .exec(stdout.slice(stdout.lastIndexOf('\n\n', stdout.indexOf('in supasaasy.entities'))))?.[1]
        ?.replaceAll(',', ''),
    );
    expect(total).toBeGreaterThan(25_000);
  });

  it('A46: goes on with the same world, follows its changes live, ends in order, and stays equal to it', async () => {
    const live = start(['start', '--port', '0'], { cwd: folder });
    await live.until(/Live on (http:\S+)/);
    const url = /Live on (http:\S+)/.exec(live.stdout())?.[1] ?? '';
    const health = await fetch(`${url}/health`);
    expect(await health.json()).toMatchObject({ status: 'ok' });
    // Longer than a proxy keeps an idle connection: else it sends just as the server closes.
    expect(health.headers.get('keep-alive')).toBe('timeout=75');

    const second = await run(['start', '--port', '0'], { cwd: folder });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('in use by process');

    await new Promise((done) => setTimeout(done, 10_000));
    live.child.kill('SIGINT');
    const { code, stderr } = await live.ended;
    expect(stderr).not.toMatch(/error|warning/);
    expect(code).toBe(0);

    // C14: the database of the environment is not even reached for.
    const elsewhere = { DATABASE_URL: 'postgresql://nobody:nothing@127.0.0.1:9/none' };
    const again = await run(['start', '--once'], { cwd: folder, env: elsewhere });
    expect(again.stdout).toContain('The database of DATABASE_URL is not touched');
    expect(again.code).toBe(0);
    expect(await differences(folder)).toEqual({});
  });
});
