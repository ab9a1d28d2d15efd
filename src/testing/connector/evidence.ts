import assert from 'node:assert/strict';
import { type ConnectorCase, type ConnectorSubject, check } from './subject.ts';
import { createWorld, sharedWorld, type World } from './world.ts';

const GROUP = 'evidence';

/** Synced once, however that ended. */
const synced = (subject: ConnectorSubject): Promise<World> =>
  sharedWorld(subject, 'evidence', async () => {
    const world = await createWorld(subject);
    await world.sync('full');
    return world;
  });

/** What a full sync, and the certificates after it, say against the description. */
async function doubts(subject: ConnectorSubject): Promise<string[]> {
  const world = await synced(subject);
  const rows = await world.query<{ said: string }>(
    `select resource || ': ' || reason as said from supasaasy.certificates where app_key = $1 and not holds
     union all select error from supasaasy.runs where app_key = $1 and error is not null`,
    [world.app],
  );
  return rows.map(({ said }) => said);
}

/** A sentence that is false where a doubt says so. */
const undoubted = (title: string, said: RegExp): ConnectorCase =>
  check(GROUP, title, async (subject) =>
    assert.deepEqual(
      (await doubts(subject)).filter((doubt) => said.test(doubt)),
      [],
    ),
  );

/** Whether the answers of the provider bear out what the description says. */
export const evidenceCases: readonly ConnectorCase[] = [
  undoubted('finds the records of every list', /no list at|path of (the )?records/),
  undoubted(
    'finds an id in every record, and another one in each',
    /no (readable )?id|share (the id|one value|\d+ values)/,
  ),
  undoubted('finds the next position of every list', /next position|repeats|in a circle|without pages/),
  undoubted(
    'knows of every page whether there is more',
    /whether there is more|and \d+ records follow|empty page|lists ended/,
  ),
  undoubted('finds every nested list, and whether it was cut', /its \w+ list lies|nested lists/),
  undoubted('finds the total where it says that it lies, and as many objects', /the total lies|the provider counts/),
  undoubted('finds a version in the records of every list that says so', /its version lies/),
  undoubted(
    'finds the mark of archived objects, where every object has one',
    /its mark of archived objects lies|leaves archived objects out/,
  ),
  undoubted('finds other objects in each part of a list that is read in parts', /parts of the list show the same/),
  undoubted('asks for no larger page than the provider gives', /were asked for, and the list goes on/),
  check(GROUP, 'a full sync certifies every list that can be read whole', async (subject) => {
    const world = await synced(subject);
    const held = await world.query<{ resource: string }>(
      'select resource from supasaasy.certificates where app_key = $1 and holds and ended_by is not null',
      [world.app],
    );
    const names = new Set(held.map(({ resource }) => resource));
    const whole = world.resources.filter((name) => {
      const list = subject.connector.resources[name]?.list;
      return list !== undefined && list.incomplete === undefined && list.fallback === undefined;
    });
    assert.deepEqual(
      whole.filter((name) => !names.has(name)),
      [],
      `they have no certificate that holds: ${(await doubts(subject)).join('; ')}`,
    );
  }),
];
