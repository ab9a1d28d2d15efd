import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText, createMigratedFolder, removeFolder, run, start } from './cli.ts';

const env = { SUPASAASY_ADMIN_KEY: 'admin' };
const CONFIG = configText(`{
  consumers: [defineConsumer({ name: 'orders', source: topic('orders'), maxAttempts: 1, start: 'start',
    handler(change) { if (change.after?.bad) throw new Error('a bad order'); } })],
}`).replace('{ defineConfig }', '{ defineConfig, defineConsumer, topic }');

describe('supasaasy consumers', { timeout: 120_000 }, () => {
  let folder: string;
  const consumers = (...args: string[]) => run(['consumers', ...args], { cwd: folder, env });
  beforeAll(async () => {
    folder = await createMigratedFolder(CONFIG);
  }, 60_000);
  afterAll(() => removeFolder(folder));

  it('tells and steers the same beside the server that has the database and without it', async () => {
    const server = start(['serve', '--port', '0'], { cwd: folder, env });
    await server.until(/consumer orders reads orders/);
    const url = /listening on (\S+),/.exec(server.stdout())?.[1] ?? '';
    const publish = (id: string, payload: object) =>
      fetch(`${url}/topics/orders`, {
        method: 'POST',
        headers: { authorization: 'Bearer admin' },
        body: JSON.stringify({ id, key: id, type: 'order.created', payload }),
      });
    expect((await publish('good', {})).status).toBe(200);
    expect((await publish('bad', { bad: true })).status).toBe(200);
    await server.until(/was given up: a bad order/);
    expect((await consumers('list')).stdout).toMatch(/orders +orders +\w+ +0 +– +0 +1\n/);
    expect((await consumers('dead-letters', 'orders')).stdout).toMatch(/order\.created +bad +1 +a bad order/);
    expect((await consumers('pause', 'orders', '--reason', 'moving')).code).toBe(0);
    expect((await consumers('redrive', 'orders', '--id', '1')).stdout).toContain('1 dead letters go to orders');
    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);

    const shown = await consumers('show', 'orders');
    expect(shown.stdout).toContain('paused because: moving');
    expect(shown.stdout).toContain('held back by a failure: 1 entities');
    expect((await consumers('seek', 'orders', 'now')).stdout).toBe('orders goes on at now\n');
    expect((await consumers('resume', 'orders', '--json')).stdout).toBe('{"resumed":true}\n');
    expect(JSON.parse((await consumers('list', '--json')).stdout)).toMatchObject([
      { name: 'orders', paused_at: null, held: 0, lag: { changes: 0 } },
    ]);
  });

  it('says what is wrong in a line', async () => {
    for (const [args, said] of [
      [['show', 'nobody'], 'there is no consumer "nobody" (consumers: orders)'],
      [['redrive', 'orders'], 'say which: --id, --entity or --all'],
      [['redrive', 'orders', '--id', '99'], 'orders has no dead letter 99'],
      [['seek', 'orders', 'yesterday'], '"start", "now", or a time like 2026-01-31T12:00:00Z'],
    ] as const) {
      const { code, stderr } = await consumers(...args);
      expect(code).not.toBe(0);
      expect(stderr).toContain(said);
      expect(stderr).not.toContain('    at ');
    }
  });
});
