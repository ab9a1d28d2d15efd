import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror } from '../support/mirror.ts';

describeEachDatabase('events of several accounts', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  /** A change that the log and the webhook give to an account, or to none. */
  function changed(mirror: ReturnType<typeof createMirror>, id: string, account: string | undefined) {
    const { account: world } = mirror;
    world.tick();
    world.create('thing', { id });
    const event = world.log.pop();
    if (event === undefined) throw new Error('no event');
    const told = {
      ...event,
      body: JSON.stringify({ ...JSON.parse(event.body), ...(account === undefined ? {} : { account }) }),
    };
    world.log.push(told);
    return told;
  }

  for (const { setting, expected } of [
    { setting: 'ours', expected: ['of none', 'of ours'] },
    { setting: undefined, expected: ['of none'] },
  ])
    it(`are taken from the log of changes by an app of account ${setting} where they are its own or name none`, async () => {
      const mirror = createMirror(db, { resources: ['thing'], app: setting === undefined ? {} : { account: setting } });
      await mirror.full();
      for (const account of [undefined, 'ours', 'theirs']) changed(mirror, `of ${account ?? 'none'}`, account);
      await mirror.incremental();
      expect([...(await mirror.held('thing')).keys()].sort()).toEqual(expected);
    });

  for (const { setting, expected } of [
    { setting: 'ours', expected: ['of ours'] },
    { setting: undefined, expected: ['of none'] },
  ])
    it(`are taken from deliveries by an app of account ${setting} where they are its own; the others are kept with the reason`, async () => {
      const mirror = createMirror(db, { resources: ['thing'], app: setting === undefined ? {} : { account: setting } });
      for (const account of [undefined, 'ours', 'theirs'])
        await mirror.accept(changed(mirror, `of ${account ?? 'none'}`, account));
      await mirror.settle();
      expect([...(await mirror.held('thing')).keys()]).toEqual(expected);
      const ignored = (await mirror.inbox()).filter(({ state }) => state === 'ignored').map(({ reason }) => reason);
      expect(ignored).toEqual(
        (setting === undefined ? ['ours', 'theirs'] : ['(the platform itself)', 'theirs']).map(
          (account) => `about account ${account}, which this app does not mirror`,
        ),
      );
    });
});
