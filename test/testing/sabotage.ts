import type { Connector, NormalizedEvent, WebhookHandler } from '../../src/kit/index.ts';
import type { ConnectorSubject } from '../../src/testing/index.ts';
import { acme } from '../support/acme-connector.ts';
import { answering, before, hostile, misdescribed, mislisted, recording } from './hostile.ts';

const { webhook, limits, changeLog, metadata, settings } = acme;

const called = (wrong: object) => hostile({ metadata: { ...metadata, ...wrong } });
const limited = (wrong: object) => hostile({ limits: { ...limits, ...wrong } });
const hearing = (wrong: Partial<WebhookHandler>) => hostile({ webhook: { ...webhook, ...wrong } });
const parsing = (wrong: (event: NormalizedEvent) => object) =>
  hearing({ parse: (body) => ({ ...webhook.parse(body), ...wrong(webhook.parse(body)) }) });
const meaning = (wrong: NonNullable<Connector['meaning']>) =>
  hostile({ meaning: (status: number, body: string) => wrong(status, body) ?? acme.meaning?.(status, body) });
const credulous = () => hearing({ verify: async () => ({ ok: true }) });
/** Each answer is a little different: a clock in it, or a link. */
const restless = () => {
  let seen = 0;
  return recording(/^\/things$/, (record) => ({ ...record, seen: ++seen }));
};
/** The same of an object that is asked for alone, as it is after each of its events. */
const restlessOne = () => {
  let seen = 0;
  return {
    ...answering(/^\/things\/./, (object) => ({ ...object, seen: ++seen })),
    connector: parsing(({ operations }) => ({ operations: operations.map(({ object: _, ...one }) => one) })).connector,
  };
};
/** Gives each page out once. */
const forgetful = () =>
  before((account) => {
    const asked = new Set<string>();
    return {
      ...account,
      async fetch(input, init) {
        const again = asked.has(String(input));
        asked.add(String(input));
        return again ? Response.json({ data: [], has_more: false }) : await account.fetch(input, init);
      },
    };
  });
const deafLog = { ...changeLog, read: () => ({ events: [], cursor: null }) };
let reading = 0;
/** Takes the moment of reading, a minute after the last one, for the moment of the change. */
const impatient = () => parsing(({ occurredAt }) => ({ occurredAt: occurredAt + ++reading * 60_000 }));

/** For every check, a connector or an account that does exactly that wrong. */
export const sabotage: Readonly<Record<string, () => ConnectorSubject>> = {
  'is registered under its own name': () => called({ name: 'Not A Name' }),
  'has a title for people': () => called({ title: ' ' }),
  'pins an API version': () => called({ apiVersion: 'latest' }),
  'says where it is documented': () => called({ docs: '' }),
  'names the origin of the provider, without a slash at its end': () => called({ baseUrl: 'https://acme.test/' }),
  'takes its settings, and has a default for those that are not needed': () => ({
    ...hostile({}),
    settings: { account: 42 },
  }),
  'refuses a setting that it does not know': () =>
    hostile({ settings: { ...settings, safeParse: () => ({ success: true, data: {} }) } }),
  'sends the key in a header': () => hostile({ headers: () => ({}) }),
  'reads the key from its arguments only': () =>
    hostile({ headers: () => ({ authorization: 'from the environment' }) }),
  'has resources that can be listed': () => hostile({ resources: { part: acme.resources['part'] } }),
  'names each collection after itself, and no two alike': () => misdescribed('note', { collection: 'acme_thing' }),
  'finds an id in every kind of object': () => misdescribed('note', { id: [] }),
  'can reach every resource: by a list, per parent, or nested': () => misdescribed('tag', { list: undefined }),
  'can complete every nested list that the provider cuts': () => misdescribed('part', { perParent: undefined }),
  'can do what it says about changes': () => misdescribed('note', { incremental: { by: 'search', overlapMs: 0 } }),
  'can ask again for one object of what its events tell of': () => misdescribed('thing', { retrieve: undefined }),
  'knows the parent of a list that may be refused as a whole': () =>
    mislisted('card', { fallback: { parent: 'nobody' } }),
  'asks for pages of a sensible size': () => mislisted('thing', { pageSize: 0 }),
  'has a place for the id in the path of one object, and for the parent in a list per parent': () =>
    misdescribed('thing', { retrieve: { path: '/things/one' } }),
  'begins every path with a slash, and never puts the key into a URL': () =>
    hostile({ page: (...asked: Parameters<Connector['page']>) => ({ ...acme.page(...asked), path: 'things' }) }),
  'asks for the page after a cursor': () =>
    hostile({
      page: (...[resource, position]: Parameters<Connector['page']>) =>
        acme.page(resource, { ...position, cursor: undefined }),
    }),
  'asks for a range of creation time where it says that it can': () =>
    hostile({
      page: (...[resource, position]: Parameters<Connector['page']>) =>
        acme.page(resource, { ...position, to: undefined }),
    }),
  'asks differently for every part of a list that is read in parts': () =>
    mislisted('thing', { variants: [{ active: 'true' }, { active: 'false' }] }),
  'asks the same question the same way': () => {
    let asked = 0;
    return hostile({
      page: (...args: Parameters<Connector['page']>) => ({ ...acme.page(...args), body: ++asked }),
    });
  },
  'tells the account behind a key, where it declares how, and guesses none': () =>
    hostile({ identity: { request: { path: '/account' }, read: () => 'always the same' } }),
  'has a cheap request that tells whether the key works': () => hostile({ probe: { path: '/nothing/here/at/all' } }),
  'asking whether a resource is readable takes nothing': () => {
    // A list that may be open once: the second question is refused.
    let open = false;
    const good = hostile({});
    return {
      ...good,
      account: () => {
        const account = good.account();
        return {
          ...account,
          async fetch(input, init) {
            const taken = new URL(String(input)).pathname === '/labels';
            if (taken && open) return Response.json({ error: { message: 'a scroll is open' } }, { status: 400 });
            open ||= taken;
            return await account.fetch(input, init);
          },
        };
      },
    };
  },
  'counts every request somewhere': () => limited({ classes: () => [] }),
  'gives every bucket a rate and a burst': () => limited({ limit: () => ({ perSecond: 0, burst: 1 }) }),
  'counts two objects of one kind in one bucket': () => limited({ classes: ({ path }: { path: string }) => [path] }),
  'accepts what the provider signed': () => hearing({ verify: async () => ({ ok: false, reason: 'no' }) }),
  'refuses a body with one byte changed': credulous,
  'refuses a body that was extended': credulous,
  'refuses a delivery without a signature': credulous,
  'refuses a signature made with another secret': credulous,
  'refuses everything while no secret is set': credulous,
  'accepts the old and the new secret while they rotate': () =>
    hearing({ verify: (delivery, secrets, now) => webhook.verify(delivery, secrets.slice(0, 1), now) }),
  'refuses a signature that is cut or garbled': credulous,
  'gives every event an id of its own and a type': () => parsing(() => ({ id: 'always the same' })),
  'knows when an event happened, in milliseconds': () =>
    parsing(({ occurredAt }) => ({ occurredAt: occurredAt / 1000 })),
  'reads one body the same way each time': impatient,
  'tells of changes of resources that it has': () =>
    parsing(({ operations }) => ({ operations: operations.map((one) => ({ ...one, resource: 'gadget' })) })),
  'points at the object inside the body, not beside it': () =>
    parsing(({ operations }) => ({ operations: operations.map((one) => ({ ...one, object: ['data', 'object'] })) })),
  'throws on a body that is no event': () =>
    hearing({ parse: () => ({ id: '1', providerType: 'x', occurredAt: Date.now(), operations: [] }) }),
  'keeps an event of a type that it does not know, without operations': () =>
    hearing({
      parse(body) {
        if (body.includes('gadget')) throw new Error('what is a gadget?');
        return webhook.parse(body);
      },
    }),
  'has migrations that may run twice': () => called({ migrations: new URL('./twice/', import.meta.url) }),
  'a full sync completes': () => answering(/^\/tags$/, () => ({ items: [] })),
  'brings every object, and none that is not there': () =>
    recording(
      /^\/things$/,
      (record) => record,
      (index) => index > 0,
    ),
  'brings every object whole': () => recording(/^\/things$/, ({ value: _, ...rest }) => rest),
  'knows how exact the change times are that order two states': () =>
    misdescribed('note', { version: { path: ['updated'], unit: 's', precision: '1ms' } }),
  'knows when an object was created, where its description says so': () =>
    misdescribed('thing', { created: { path: ['created'], unit: 'ms' } }),
  'reads no page twice': () => mislisted('thing', { variants: [{ active: 'true' }, { active: 'false' }] }),
  'stores nothing that it could not read': () =>
    recording(/^\/things$/, (record, i) => (i === 0 ? { ...record, value: '\u0000' } : record)),
  'reads the same again without writing anything': restless,
  'an audit finds mirror and source equal': restless,
  'an incremental run right after a full one changes nothing': restless,
  'follows the account by its deliveries, and an incremental run brings the rest': () =>
    hostile({
      webhook: { ...webhook, parse: (body: string) => ({ ...webhook.parse(body), operations: [] }) },
      changeLog: deafLog,
    }),
  'finds what changed while nobody listened': () => hostile({ changeLog: deafLog }),
  'takes a delivery that comes again for no news': restlessOne,
  "keeps another account's delivery, says why, and takes nothing from it": () => ({
    ...hearing({
      parse(body) {
        const { account: _, ...event } = webhook.parse(body);
        return event;
      },
    }),
    foreign: (body) => [JSON.stringify({ ...JSON.parse(body), account: 'another' })],
  }),
  'ends the same when the deliveries come in reverse': impatient,
  'lets no old delivery undo what a later sync has read': impatient,
  'a full pass finds every deletion that nobody told of': () => mislisted('thing', { incomplete: 'so it says' }),
  'an empty answer deletes nothing': () => misdescribed('thing', { retrieve: { path: '/nothings/{id}' } }),
  'asks a list without pages for no number of records': () =>
    hostile({
      page: (...[resource, position]: Parameters<Connector['page']>) => ({
        ...acme.page(resource, position),
        query: { limit: position.limit },
      }),
    }),
  'finds the records of every list': () => misdescribed('tag', { records: ['items'] }),
  'finds an id in every record, and another one in each': () => misdescribed('note', { id: ['key'] }),
  'finds the next position of every list': () => mislisted('note', { next: { style: 'path', path: ['nxt'] } }),
  'knows of every page whether there is more': () => mislisted('thing', { next: { style: 'last_id', more: ['more'] } }),
  'finds every nested list, and whether it was cut': () =>
    misdescribed('thing', { children: [{ resource: 'part', path: ['bits', 'data'], more: ['bits', 'has_more'] }] }),
  'finds the total where it says that it lies, and as many objects': () =>
    mislisted('note', { total: { path: ['count'] } }),
  'finds a version in the records of every list that says so': () =>
    misdescribed('note', { version: { path: ['changed'], unit: 's' } }),
  'finds the mark of archived objects, where every object has one': () =>
    misdescribed('thing', { archived: { path: ['archived'], equals: true } }),
  'finds other objects in each part of a list that is read in parts': () =>
    mislisted('thing', { variants: [{ activ: 'true' }, { activ: 'false' }] }),
  'asks for no larger page than the provider gives': () =>
    mislisted('note', { pageSize: 5 }, (query) => query.set('limit', '3')),
  'a full sync certifies every list that can be read whole': () =>
    mislisted('label', { next: { style: 'page', path: ['nxt'] } }),
  'takes 429 for a wish to wait, never for a failure': () =>
    meaning((status) => (status === 429 ? 'refused' : undefined)),
  'asks again after a 500': () => meaning((status) => (status === 500 ? 'refused' : undefined)),
  'asks again after an HTML page of something in between': () =>
    meaning((status) => (status === 502 ? 'refused' : undefined)),
  'asks again after a connection that broke': forgetful,
  'asks again after an answer that was cut': forgetful,
  'a wrong key pauses the app, says which variable to mend, and never shows the key': () =>
    meaning((status) => (status === 401 ? 'retry' : undefined)),
  'a missing permission fails that resource by name, and the others arrive': () =>
    meaning((status) => (status === 403 ? 'unauthorized' : undefined)),
};

/** A mistake of the engine's, in one of its SQL functions. */
export interface PlantedBug {
  readonly routine: string;
  readonly find: string;
  readonly replace: string;
}

/** Checks of what the engine does for any connector: these no connector can break, but a broken engine does. */
export const planted: Readonly<Record<string, PlantedBug>> = {
  'records the API version with every object': {
    routine: 'extract_states',
    find: 'coalesce(p_api_versions[n], target_version)',
    replace: 'p_api_versions[n]',
  },
  'a run that was stopped goes on where it was': {
    routine: 'release_task',
    find: 'lease_token = null, lease_until = null',
    replace: 'lease_token = null, lease_until = null, cursor = null',
  },
  'a run with a limit deletes nothing': {
    routine: 'advance_run',
    find: 'elsif not pass.sweepable then',
    replace: 'elsif false then',
  },
  'keeps a tombstone of what was deleted': {
    routine: 'advance_run',
    find: 'select * into run from supasaasy.runs where id = p_run for update;',
    replace: `delete from supasaasy.entities where deleted_at is not null;
      select * into run from supasaasy.runs where id = p_run for update;`,
  },
};
