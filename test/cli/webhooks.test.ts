import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { customerEvent, signature } from '../http/hosted.ts';
import { createMigratedFolder, ONE_APP, removeFolder, run, start } from './cli.ts';

const SECRET = 'whsec_1234567890';
const ADMIN_KEY = 'admin_1234567890';
const env = {
  SUPASAASY_ADMIN_KEY: ADMIN_KEY,
  SHOP_KEY: 'sk_test_1234567890',
  SHOP_SECRET: SECRET,
  SHOP_URL: 'http://127.0.0.1:1',
};

describe('supasaasy webhooks', { timeout: 120_000 }, () => {
  let folder: string;
  const webhooks = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(['webhooks', ...args, '--json'], { cwd: folder, env });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as Record<string, unknown> & { deliveries: Record<string, unknown>[] };
  };
  beforeAll(async () => {
    folder = await createMigratedFolder(ONE_APP);
    const server = start(['serve', '--port', '0'], { cwd: folder, env });
    await server.until(/listening on/);
    const url = /listening on (\S+),/.exec(server.stdout())?.[1] ?? '';
    const post = async (body: string, secret = SECRET) =>
      (await fetch(`${url}/webhook/shop`, { method: 'POST', body, headers: signature(body, secret) })).status;
    expect(await post(customerEvent('evt_1', { id: 'cus_1' }, 'customer.created'))).toBe(200);
    expect(await post(customerEvent('evt_2', { id: 'cus_2' }, 'customer.created'))).toBe(200);
    expect(await post(customerEvent('evt_3', { id: 'cus_2', object: 'moon' }, 'moon.rose'))).toBe(200);
    expect(await post('{"neither": "json')).toBe(200);
    expect(await post(customerEvent('evt_4'), 'whsec_wrong')).toBe(401);
    // Acknowledged is stored, not yet worked: an interruption leaves the rest to the next process.
    const waiting = async () => {
      const answer = await fetch(`${url}/status`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
      return ((await answer.json()) as { apps: { inbox: { waiting: number } }[] }).apps[0]?.inbox.waiting;
    };
    await vi.waitUntil(async () => (await waiting()) === 0, { timeout: 60_000 });
    server.child.kill('SIGINT');
    expect((await server.ended).code).toBe(0);
  }, 120_000);
  afterAll(() => removeFolder(folder));

  it('list shows what was delivered, by state, with the reason', async () => {
    const { deliveries } = await webhooks('list', 'shop');
    expect(deliveries.map(({ state }) => state).sort()).toEqual(['dead', 'ignored', 'processed', 'processed']);
    const dead = (await webhooks('list', 'shop', '--state', 'dead')).deliveries;
    expect(dead).toMatchObject([{ event_type: 'unreadable', reason: expect.stringContaining('cannot be read') }]);
  });

  it('A13 replay works deliveries again without the provider: some by id, all of a type, none of another time', async () => {
    expect(await webhooks('replay', 'shop', '--event', 'evt_1,evt_3')).toMatchObject({ replayed: 2, processed: 2 });
    expect(await webhooks('replay', 'shop', '--type', 'customer.created')).toMatchObject({ replayed: 2, processed: 2 });
    expect(await webhooks('replay', 'shop', '--to', '2020-01-01')).toMatchObject({ replayed: 0, processed: 0 });
  });
});
