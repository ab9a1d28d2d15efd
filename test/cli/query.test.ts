import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMigratedFolder, ONE_APP, removeFolder, run, start } from './cli.ts';

const env = { SHOP_KEY: 'sk_test_1234567890', SHOP_SECRET: 'whsec_1234567890' };

describe('supasaasy query', { timeout: 120_000 }, () => {
  let folder: string;
  const query = (...args: string[]) => run(['query', ...args], { cwd: folder, env });
  beforeAll(async () => {
    folder = await createMigratedFolder(ONE_APP);
    expect((await run(['migrate'], { cwd: folder, env })).code).toBe(0);
  }, 60_000);
  afterAll(() => removeFolder(folder));

  it('answers the same from the data folder and through the server that has it, as a table and as JSON', async () => {
    const sql = `select app_key, 12345678901234567890 as big, null as "no value" from apps`;
    const answers = async () => {
      const json = await query(sql, '--json');
      const table = await query(sql);
      expect([json.code, table.code], json.stderr + table.stderr).toEqual([0, 0]);
      return [json.stdout, table.stdout];
    };
    const alone = await answers();
    expect(alone[0]).toBe(
      '{"columns":["app_key","big","no value"],"rows":[{"app_key":"shop","big":12345678901234567890,"no value":null}],"truncated":false}\n',
    );
    expect(alone[1]).toContain('shop     12345678901234567890');

    const server = start(['serve', '--port', '0'], { cwd: folder, env });
    await server.until(/listening on/);
    expect(await answers()).toEqual(alone);
    const wrong = await query('select nothing from apps');
    expect([wrong.code, wrong.stdout]).toEqual([1, '']);
    expect(wrong.stderr).toBe('error: column "nothing" does not exist\n');
    const url = /listening on (\S+),/.exec(server.stdout())?.[1] ?? '';
    const post = async (key: string) =>
      (await fetch(`${url}/query`, { method: 'POST', body: '{"sql":"select 1"}', headers: { authorization: key } }))
        .status;
    expect([await post(''), await post('Bearer x')]).toEqual([401, 401]);
    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);
    expect(await answers()).toEqual(alone);
  });

  it('refuses to write, and says so in a line', async () => {
    const { code, stderr } = await query('delete from entities', '--json');
    expect(code).toBe(1);
    expect(stderr).toContain('only a single read-only statement is allowed');
    expect(stderr).not.toContain('    at ');
  });

  it('shows as many rows as wished, and says when there are more', async () => {
    const { stdout, stderr } = await query('select n from generate_series(1, 50) n', '--limit', '3');
    expect(stdout.trim().split('\n')).toHaveLength(5);
    expect(stderr).toContain('--limit');
  });
});
