import { beforeAll, expect, it } from 'vitest';
import { describeEachDatabase, type TestDatabase } from '../setup/database.ts';
import { createAcmeAccount } from '../support/acme-account.ts';
import { type AcmeRequest, createAcmeApi } from '../support/acme-api.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';
import { createMirror, type Mirror } from '../support/mirror.ts';
import { misdescribe, mislist } from '../support/misdescribed.ts';

type Answer = Record<string, unknown>;

interface Mistake {
  readonly what: string;
  readonly resource: 'thing' | 'note' | 'tag' | 'label';
  readonly connector: () => string;
  /** What the run or the certificate says. */
  readonly says: RegExp;
  /** How this provider differs from Acme: its answers, or what it is asked. */
  readonly answers?: (answer: Answer, request: AcmeRequest) => Answer | undefined;
  readonly asked?: (query: URLSearchParams) => void;
}

const LAST_ID = { style: 'last_id' } as const;
const PATH = { style: 'path' } as const;
const wrongMore = (...more: string[]) => mislist('thing', { next: { ...LAST_ID, more } });
const wrongCursor = (...path: string[]) => mislist('note', { next: { ...PATH, path } });
const records = (resource: string, ...path: string[]) => misdescribe(resource, () => ({ records: path }));
const active = ({ data, ...rest }: Answer, value: boolean) => ({
  ...rest,
  data: (data as Answer[]).filter((one) => one['active'] === value),
});
let nonce = 0;

const MISTAKES: readonly Mistake[] = [
  // The path of the records.
  {
    what: 'records: nothing there',
    resource: 'thing',
    connector: () => records('thing', 'items'),
    says: /no list at items: there lies nothing, and the answer has data, has_more/,
  },
  {
    what: 'records: nothing there (no pages)',
    resource: 'tag',
    connector: () => records('tag', 'items'),
    says: /no list at items/,
  },
  {
    what: 'records: a flag',
    resource: 'thing',
    connector: () => records('thing', 'has_more'),
    says: /no list at has_more: there lies true or false/,
  },
  {
    what: 'records: one record',
    resource: 'note',
    connector: () => records('note', 'data', '0'),
    says: /there lies an object/,
  },
  {
    what: 'records: an empty list beside them',
    resource: 'note',
    connector: () => records('note', 'warnings'),
    answers: (answer) => ({ ...answer, warnings: [] }),
    says: /the list at warnings is empty, and data holds 4 records/,
  },
  {
    what: 'records: none described',
    resource: 'note',
    connector: () => misdescribe('note', ({ records: _, ...right }) => ({ ...right, records: undefined }) as never),
    says: /no path of records/,
  },
  // The path of the id.
  {
    what: 'id: nothing there',
    resource: 'thing',
    connector: () => misdescribe('thing', () => ({ id: ['key'] })),
    says: /in quarantine|no id/,
  },
  {
    what: 'id: the same value in all',
    resource: 'note',
    connector: () => misdescribe('note', () => ({ id: ['kind'] })),
    says: /4 different records of one page share one value at kind/,
  },
  {
    what: 'id: an object',
    resource: 'tag',
    connector: () => misdescribe('tag', () => ({ id: ['name', 'id'] })),
    says: /in quarantine|no id/,
  },
  {
    what: 'id: another unique field',
    resource: 'tag',
    connector: () => misdescribe('tag', () => ({ id: ['name'] })),
    says: /no longer shows 9 of 18 rows/,
  },
  {
    what: 'id: another unique field, of objects that can be asked for',
    resource: 'note',
    connector: () => misdescribe('note', () => ({ id: ['value'] })),
    says: /none of the \d+ rows that were known/,
  },
  // The path of the cursor.
  {
    what: 'cursor: nothing there',
    resource: 'note',
    connector: () => wrongCursor('nxt'),
    says: /a full page of 4 records has no next position at nxt: the answer has data, next, total/,
  },
  {
    what: 'cursor: one step too deep',
    resource: 'note',
    connector: () => wrongCursor('next', 'cursor'),
    says: /no next position at next\.cursor/,
  },
  { what: 'cursor: a list', resource: 'note', connector: () => wrongCursor('data'), says: /at data lies a list/ },
  {
    what: 'cursor: always the same',
    resource: 'note',
    connector: () => wrongCursor('total'),
    says: /the cursor "9" repeats/,
  },
  {
    what: 'cursor: always null',
    resource: 'note',
    connector: () => wrongCursor('previous'),
    answers: (answer) => ({ ...answer, previous: null }),
    says: /neither a full page nor a shorter one of 3 records shows a next position at previous/,
  },
  {
    what: 'cursor: always null (numbered pages)',
    resource: 'label',
    connector: () => mislist('label', { next: { style: 'page', path: ['previous'] } }),
    answers: (answer) => ({ ...answer, previous: null }),
    says: /neither a full page nor a shorter one/,
  },
  {
    what: 'cursor: nothing there (numbered pages)',
    resource: 'label',
    connector: () => mislist('label', { next: { style: 'page', path: ['nxt'] } }),
    says: /a full page of 4 records has no next position at nxt/,
  },
  {
    what: 'cursor: nothing there (a scroll)',
    resource: 'note',
    connector: () => mislist('note', { next: { style: 'scroll', path: ['nxt'] } }),
    says: /a page with 4 records has no next position at nxt, and a scroll ends/,
  },
  {
    what: 'cursor: the parameter is another one',
    resource: 'note',
    connector: () => wrongCursor('next'),
    asked: (query) => query.delete('after'),
    says: /repeats|circle/,
  },
  {
    what: 'cursor: the parameter is another one, and each cursor is new',
    resource: 'note',
    connector: () => wrongCursor('next'),
    asked: (query) => query.delete('after'),
    answers: (answer) => ({ ...answer, next: `n${++nonce}` }),
    says: /circle/,
  },
  {
    what: 'cursor: a list with pages is described without',
    resource: 'note',
    connector: () => mislist('note', { next: { style: 'none' } }),
    says: /described as one answer without pages, and next says that there is more/,
  },
  {
    what: 'more: a list with pages is described without',
    resource: 'thing',
    connector: () => mislist('thing', { next: { style: 'none' } }),
    says: /described as one answer without pages, and has_more says that there is more/,
  },
  // Whether there is more.
  {
    what: 'more: nothing there',
    resource: 'thing',
    connector: () => wrongMore('more'),
    says: /at more lies neither true nor false.*the answer has data, has_more/,
  },
  {
    what: 'more: a list',
    resource: 'thing',
    connector: () => wrongMore('data'),
    says: /at data lies neither true nor false/,
  },
  {
    what: 'more: the opposite',
    resource: 'thing',
    connector: () => wrongMore('last'),
    answers: ({ has_more, ...answer }) => ({ ...answer, last: has_more !== true }),
    says: /circle|behind an empty page|said at last that the list ends/,
  },
  {
    what: 'more: always true',
    resource: 'thing',
    connector: () => wrongMore('ok'),
    answers: (answer) => ({ ...answer, ok: true }),
    says: /there is more, behind an empty page/,
  },
  {
    what: 'more: always false',
    resource: 'thing',
    connector: () => wrongMore('deleted'),
    answers: (answer) => ({ ...answer, deleted: false }),
    says: /said at deleted that the list ends, and 4 records follow it/,
  },
  {
    what: 'more: of another way of paging',
    resource: 'note',
    connector: () => mislist('note', { next: { ...PATH, path: ['next'], more: ['has_more'] } }),
    says: /at has_more lies neither true nor false/,
  },
  // Nested lists.
  {
    what: 'child list: nothing there',
    resource: 'thing',
    connector: () =>
      misdescribe('thing', () => ({
        children: [{ resource: 'part', path: ['bits', 'data'], more: ['bits', 'has_more'] }],
      })),
    says: /no record has a list at bits\.data/,
  },
  {
    what: 'child list: the object around it',
    resource: 'thing',
    connector: () =>
      misdescribe('thing', () => ({ children: [{ resource: 'part', path: ['parts'], more: ['parts', 'has_more'] }] })),
    says: /no record has a list at parts,/,
  },
  {
    what: 'child list: its flag',
    resource: 'thing',
    connector: () =>
      misdescribe('thing', () => ({
        children: [{ resource: 'part', path: ['parts', 'data'], more: ['parts', 'more'] }],
      })),
    says: /have neither true nor false at parts\.more/,
  },
  {
    what: 'child list: no flag described, and it is cut',
    resource: 'thing',
    connector: () => misdescribe('thing', () => ({ children: [{ resource: 'part', path: ['parts', 'data'] }] })),
    says: /parts\.has_more says that there is more/,
  },
  // The total.
  {
    what: 'total: nothing there',
    resource: 'note',
    connector: () => mislist('note', { total: { path: ['count'] } }),
    says: /no answer has a number where the description says that the total lies/,
  },
  {
    what: 'total: a text',
    resource: 'note',
    connector: () => mislist('note', { total: { path: ['next'] } }),
    says: /no answer has a number/,
  },
  {
    what: 'total: another number',
    resource: 'note',
    connector: () => mislist('note', { total: { path: ['size'] } }),
    answers: (answer) => ({ ...answer, size: 4 }),
    says: /the provider counts 4, and the list names 9/,
  },
  // Fields.
  {
    what: 'version: nothing there',
    resource: 'note',
    connector: () => misdescribe('note', () => ({ version: { path: ['changed'], unit: 's' } })),
    says: /no record has a time at changed, where the description says that its version lies/,
  },
  {
    what: 'version: another unit',
    resource: 'note',
    connector: () => misdescribe('note', () => ({ version: { path: ['updated'], unit: 'iso' } })),
    says: /no record has a time at updated/,
  },
  {
    what: 'created: nothing there',
    resource: 'label',
    connector: () => misdescribe('label', () => ({ created: { path: ['born'], unit: 's' } })),
    says: /no record has a time at born/,
  },
  {
    what: 'archived: nothing there',
    resource: 'thing',
    connector: () => misdescribe('thing', () => ({ archived: { path: ['archived'], equals: true } })),
    says: /no record has true or false at archived/,
  },
  {
    what: 'archived: a value of another type',
    resource: 'thing',
    connector: () => misdescribe('thing', () => ({ archived: { path: ['active'], equals: 'false' } })),
    says: /no record has a text at active/,
  },
  // Parts of a list, and the size of a page.
  {
    what: 'variants: a parameter that does nothing',
    resource: 'thing',
    connector: () => mislist('thing', { variants: [{ activ: 'true' }, { activ: 'false' }] }),
    says: /the 2 parts of the list show the same 9 objects/,
  },
  {
    what: 'variants: only a part',
    resource: 'thing',
    connector: () => mislist('thing', {}),
    answers: (answer, { path }) => (path === '/things' ? active(answer, true) : answer),
    says: /archived rows are on no page, though they are still answered by their ids/,
  },
  {
    what: 'page size: more than the provider gives',
    resource: 'thing',
    connector: () => mislist('thing', { pageSize: 5 }),
    asked: (query) => query.set('limit', String(Math.min(3, Number(query.get('limit'))))),
    says: /a page has 3 records where 5 were asked for, and the list goes on/,
  },
  {
    what: 'page size: the parameter is another one',
    resource: 'note',
    connector: () => mislist('note', { pageSize: 8 }),
    asked: (query) => query.delete('limit'),
    says: /a page has 4 records where 8 were asked for/,
  },
];

function fill(mirror: Mirror) {
  const { account } = mirror;
  for (let n = 0; n < 9; n += 1) {
    const parts = Array.from({ length: n === 4 ? 5 : n % 3 }, (_, i) => ({ id: `${mirror.key}_${n}_${i}` }));
    account.create('thing', { value: n, kind: 'thing', active: n !== 0, parts });
    account.create('note', { value: `v${n}`, kind: 'note' });
    account.create('tag', { name: `tag ${n}` });
    account.create('label', { name: `label ${n}` });
    account.tick();
  }
}

/** A provider whose lists differ from Acme's. */
function bend(mirror: Mirror, { resource, answers, asked }: Mistake): void {
  if (answers === undefined && asked === undefined) return;
  const plain = createAcmeApi(mirror.account);
  mirror.api.meddle = async (request) => {
    if (request.path !== `/${resource}s`) return undefined;
    const query = new URLSearchParams(request.query);
    asked?.(query);
    const response = await plain.fetch(`https://acme.test${request.path}?${query}`, {
      headers: { authorization: request.key },
    });
    if (!response.ok) return response;
    const answer = (await response.json()) as Answer;
    return Response.json(answers?.(answer, request) ?? answer);
  };
}

describeEachDatabase('a description that is wrong', (make) => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await make({ template: ACME_TEMPLATE });
  });
  const certificates = async (key: string) =>
    await db.query<{ resource: string; holds: boolean; reason: string | null }>(
      'select resource, holds, reason from supasaasy.certificates where app_key = $1 order by resource',
      [key],
    );
  const resourcesOf = (resource: string) => (resource === 'thing' ? ['thing', 'part'] : [resource]);

  it.each(MISTAKES)(
    'C1 gives no certificate that holds, says what is wrong, and deletes nothing ($what)',
    async (mistake) => {
      const resources = resourcesOf(mistake.resource);
      const good = createMirror(db, { resources });
      fill(good);
      await good.full();
      expect((await certificates(good.key)).map(({ holds }) => holds)).toEqual(resources.map(() => true));
      const before = await Promise.all(resources.map(async (kind) => [...(await good.held(kind)).keys()]));
      good.account.tick(5);

      const wrong = createMirror(db, {
        resources,
        key: good.key,
        account: good.account,
        connector: mistake.connector(),
        settings: { auditGraceMs: 0 },
      });
      bend(wrong, mistake);
      const run = await wrong.run('full');
      const kept = async () => {
        for (const [i, kind] of resources.entries())
          expect([...(await wrong.held(kind)).keys()]).toEqual(expect.arrayContaining(before[i] ?? []));
      };
      await kept();
      const after = await certificates(good.key);
      expect(`${run.error} ${after.map(({ reason }) => reason).join(' ')}`).toMatch(mistake.says);
      expect(after.filter(({ holds }) => holds)).toEqual([]);

      const audit = await wrong.engine.audit(good.key, { repair: true });
      await kept();
      expect(
        audit.state === 'completed' &&
          Object.values(audit.resources).every(
            (one) => Number(one.missing) + Number(one.stale) + Number(one.extra) === 0,
          ),
      ).toBe(false);
      expect((await certificates(good.key)).filter(({ holds }) => holds)).toEqual([]);
    },
  );

  it.each(MISTAKES.filter(({ what }) => !/unique field|only a part/.test(what)))(
    'C1 and none that holds on a first load ($what)',
    async (mistake) => {
      const wrong = createMirror(db, {
        resources: resourcesOf(mistake.resource),
        account: createAcmeAccount(),
        connector: mistake.connector(),
      });
      fill(wrong);
      bend(wrong, mistake);
      await wrong.run('full');
      expect((await certificates(wrong.key)).filter(({ holds }) => holds)).toEqual([]);
    },
  );
});
