import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { type AcmeEvent, createAcmeAccount, type Stamps } from '../support/acme-account.ts';
import { ACME_TEMPLATE, acmeIso, acmeMinutes, acmeZeros } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';
import { expectFeedToReplay, expectNothingOpen } from '../support/story.ts';

const iso = (length: number, tail: string) => (seconds: number) =>
  new Date(seconds * 1000).toISOString().slice(0, length) + tail;
const STAMPS: Readonly<Record<string, Stamps & { readonly connector: string }>> = {
  'numbers of seconds': { connector: 'acme' },
  'ISO 8601 in seconds': { connector: acmeIso.metadata.name, write: iso(19, 'Z') },
  'ISO 8601 in seconds with zeros for milliseconds': { connector: acmeZeros.metadata.name, write: iso(19, '.000Z') },
  'ISO 8601 in minutes': { connector: acmeMinutes.metadata.name, write: iso(16, 'Z'), seconds: 60 },
};
const KINDS = ['thing', 'note'];

describeEachDatabase('two states of one object that have the same time', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });

  /** A mirror at second 5 of a minute, with one object of each kind in it; `then` makes a later state in the same unit. */
  async function begin({ connector, ...stamps }: Stamps & { readonly connector: string }) {
    const account = createAcmeAccount('acme_account', stamps);
    const mirror = createMirror(db, { account, connector, resources: KINDS });
    account.tick(5);
    const ids = new Map(KINDS.map((kind) => [kind, account.create(kind, { value: 0 }).id]));
    const unit = stamps.seconds ?? 1;
    // Later in the same minute, or in the same second.
    const later = () => account.tick(unit > 1 ? 11 : 0);
    const change = (kind: string, value: number): AcmeEvent => {
      account.update(kind, ids.get(kind) ?? '', { value });
      return account.log.at(-1) as AcmeEvent;
    };
    await mirror.full();
    account.tick(Math.max(60, unit));
    return { mirror, account, later, change };
  }

  async function expectTheCurrentState(mirror: Mirror): Promise<void> {
    await mirror.settle();
    await mirror.expectTruth(...KINDS);
    await expectFeedToReplay(mirror);
    await expectNothingOpen(mirror);
  }

  for (const [name, stamps] of Object.entries(STAMPS)) {
    it(`C4: of which a page showed the newer one, then an event the older one (${name})`, async () => {
      const { mirror, change, later } = await begin(stamps);
      const olds = KINDS.map((kind) => change(kind, 1));
      later();
      for (const kind of KINDS) change(kind, 2);
      later();
      await mirror.full();
      await mirror.deliver(...olds);
      await expectTheCurrentState(mirror);
    });

    it(`C4: of which an event showed the newer one, then a page the older one (${name})`, async () => {
      const { mirror, change, later } = await begin(stamps);
      for (const kind of KINDS) change(kind, 1);
      later();
      let delivered = 0;
      mirror.api.afterAnswer = async ({ path }) => {
        const kind = path === '/things' ? 'thing' : path === '/notes' ? 'note' : undefined;
        if (kind === undefined || delivered === 2) return;
        delivered += 1;
        later();
        await mirror.accept(change(kind, 2));
        await mirror.engine.drain({ retryBaseMs: 0 });
      };
      await mirror.full();
      expect(delivered).toBe(2);
      await expectTheCurrentState(mirror);
    });

    it(`C4: that two events show, in either order and in one batch (${name})`, async () => {
      for (const order of ['forwards', 'backwards', 'together', 'together backwards']) {
        const { mirror, change, later } = await begin(stamps);
        const events = KINDS.map((kind) => change(kind, 1));
        later();
        events.push(...KINDS.map((kind) => change(kind, 2)));
        if (order.endsWith('backwards')) events.reverse();
        for (const event of events) {
          await mirror.accept(event);
          if (!order.startsWith('together')) await mirror.engine.drain({ retryBaseMs: 0 });
        }
        await expectTheCurrentState(mirror);
      }
    });
  }

  it('C4: that one answer shows both, one of them old', async () => {
    const { mirror, account, change } = await begin({ connector: 'acme' });
    const olds = new Map(KINDS.map((kind) => [kind, JSON.stringify(JSON.parse(change(kind, 1).body).object)]));
    for (const kind of KINDS) change(kind, 2);
    // A page on which every record has one id shows a wrong path of the id.
    for (const kind of KINDS) account.create(kind, { value: 9 });
    for (const first of [true, false]) {
      mirror.api.meddle = ({ path, query }) => {
        const kind = path === '/things' ? 'thing' : path === '/notes' ? 'note' : undefined;
        if (kind === undefined || query.has('after')) return undefined;
        const old = olds.get(kind) ?? '';
        const shown = account.shown(kind).map((object) => JSON.stringify(object));
        const records = first ? [...shown, old] : [old, ...shown];
        return new Response(`{"data":[${records.join()}],"has_more":false,"next":null}`);
      };
      await mirror.full();
      mirror.api.meddle = () => undefined;
      await expectTheCurrentState(mirror);
      for (const kind of KINDS) change(kind, 3);
      for (const kind of KINDS) change(kind, 2);
    }
  });
});
