import { beforeAll, beforeEach, expect, it } from 'vitest';
import { readFleet } from '../../src/engine/fleet/report.ts';
import { createRefusals, type RefusedCount } from '../../src/engine/inbox/refusals.ts';
import { readStatus } from '../../src/engine/status.ts';
import { customerEvent, ENV, host, seconds, signature } from '../http/hosted.ts';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { checksums } from '../support/checksums.ts';

describeEachDatabase('C13: deliveries that are refused', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: 'both connectors' });
  });
  beforeEach(async () => {
    await db.query(
      'truncate supasaasy.refused_deliveries, supasaasy.inbox, supasaasy.deployments, supasaasy.apps cascade',
    );
  });

  const at = '/webhook/stripe_main';
  const post = (http: ReturnType<typeof host>['http'], body: string, headers: Record<string, string>, path = at) =>
    http.request(path, { method: 'POST', body, headers });
  const counted = () =>
    db.query<{ app_key: string; reason: string; count: number }>(
      'select app_key, reason, sum(count)::int as count from supasaasy.refused_deliveries group by 1, 2 order by 1, 2',
    );

  it('are counted by app and reason, and the cause is named; nothing of them is stored', async () => {
    const { http, engine } = host(db.database, { maxBodyBytes: 10_000 });
    await engine.declare();
    const body = customerEvent('evt_1', { name: 'private words' });
    for (let n = 0; n < 59; n += 1) expect((await post(http, body, signature(body, 'whsec_wrong'))).status).toBe(401);
    await post(http, body, {});
    await post(http, body, { 'stripe-signature': 'nonsense' });
    await post(http, body, signature(body, undefined, seconds() - 3600));
    await post(http, body, signature(body, ENV.OTHER_SECRET));
    expect((await post(http, 'x'.repeat(20_000), signature(body))).status).toBe(413);
    await post(http, '{}', {}, '/webhook/intercom_main');
    expect((await post(http, body, signature(body), '/webhook/unknown')).status).toBe(404);
    await engine.refusals.flush();

    const rows = await counted();
    // Which app a signature is of is looked up ten times a second at most.
    const mixed = rows.filter(({ reason }) => ['mismatch', 'other_app'].includes(reason));
    expect(mixed.reduce((sum, { count }) => sum + count, 0)).toBe(60);
    expect(rows.filter((row) => !mixed.includes(row))).toEqual([
      { app_key: 'intercom_main', reason: 'unsigned', count: 1 },
      { app_key: 'stripe_main', reason: 'expired', count: 1 },
      { app_key: 'stripe_main', reason: 'too_large', count: 1 },
      { app_key: 'stripe_main', reason: 'unreadable', count: 1 },
      { app_key: 'stripe_main', reason: 'unsigned', count: 1 },
    ]);
    expect(JSON.stringify(await db.query('select * from supasaasy.refused_deliveries'))).not.toContain('private');
    const status = await readStatus(engine, false);
    expect(status.status).toBe('attention');
    expect(status.problems).toContainEqual(
      expect.objectContaining({
        code: 'deliveries_refused',
        app_key: 'stripe_main',
        message: expect.stringMatching(
          /(59|60) webhook deliveries were refused.*fits no webhook secret.*another endpoint/,
        ),
      }),
    );
    // Anyone can send a delivery that is refused: it is no reason to call the service unwell.
    expect(await (await http.request('/health')).json()).toEqual({ status: 'ok', database: 'ok' });
  });

  it("are told apart when they are signed for another app's endpoint, and when no secret is set", async () => {
    const { http, engine } = host(db.database, { env: { ...ENV, INTERCOM_SECRET: '' } });
    const body = customerEvent('evt_2');
    await post(http, body, signature(body, ENV.OTHER_SECRET));
    expect((await post(http, '{}', {}, '/webhook/intercom_main')).status).toBe(503);
    await engine.refusals.flush();
    expect(await counted()).toEqual([
      { app_key: 'intercom_main', reason: 'no_secret', count: 1 },
      { app_key: 'stripe_main', reason: 'other_app', count: 1 },
    ]);
  });

  it('are no problem any more once a delivery is accepted, and are shown still', async () => {
    const { http, engine } = host(db.database);
    await engine.declare();
    const body = customerEvent('evt_3');
    await post(http, body, signature(body, 'whsec_wrong'));
    await engine.refusals.flush();
    const refusedOnly = async () =>
      (await readFleet(engine)).problems.filter(({ code }) => code === 'deliveries_refused');
    expect(await refusedOnly()).toHaveLength(1);
    expect((await post(http, body, signature(body))).status).toBe(200);
    expect(await refusedOnly()).toEqual([]);
    expect((await readStatus(engine, false)).refused).toMatchObject([{ app_key: 'stripe_main', reason: 'mismatch' }]);
  });

  it('in a flood are one write a second, of as many rows as there are reasons', async () => {
    let clock = 0;
    let wake = () => {};
    const slept: number[] = [];
    const written: (readonly RefusedCount[])[] = [];
    let away = true;
    const refusals = createRefusals(
      {
        async countRefused(counts) {
          if (away) throw new Error('the database is away');
          written.push(counts);
          return null;
        },
      },
      {
        monotonic: () => clock,
        sleep(ms) {
          slept.push(ms);
          return new Promise((resolve) => {
            wake = () => {
              clock += ms;
              resolve();
            };
          });
        },
      },
    );
    const flood = () => {
      const all = Array.from({ length: 10_000 }, (_, n) =>
        refusals.count('shop', n % 2 === 0 ? 'mismatch' : 'unsigned'),
      );
      return Promise.all(all);
    };
    for (const turn of [0, 1, 2]) {
      const flooded = flood();
      if (turn > 0) away = false;
      wake();
      await flooded;
    }
    expect(slept).toEqual([0, 1000, 1000]);
    expect(written).toEqual([
      [
        { app_key: 'shop', reason: 'mismatch', count: 10_000 },
        { app_key: 'shop', reason: 'unsigned', count: 10_000 },
      ],
      [
        { app_key: 'shop', reason: 'mismatch', count: 5_000 },
        { app_key: 'shop', reason: 'unsigned', count: 5_000 },
      ],
    ]);
  });

  it('are forgotten after eight days', async () => {
    const { engine } = host(db.database);
    await engine.store.countRefused([{ app_key: 'a', reason: 'mismatch', count: 1 }]);
    await db.query(
      `update supasaasy.refused_deliveries set hour = hour - interval '9 days', last_at = last_at - interval '9 days'`,
    );
    await engine.store.countRefused([{ app_key: 'b', reason: 'mismatch', count: 1 }]);
    expect(Object.keys(await checksums(db.query))).toContain('supasaasy.refused_deliveries');
    expect(await counted()).toEqual([{ app_key: 'b', reason: 'mismatch', count: 1 }]);
  });
});
