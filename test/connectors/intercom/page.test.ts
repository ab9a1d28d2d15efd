import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intercom, intercomOrigins } from '../../../connectors/intercom/index.ts';
import { createIntercomSandbox, type IntercomSandbox } from '../../../sandbox/intercom/intercom-sandbox.ts';
import type { Position } from '../../../src/kit/index.ts';
import { intercomClient } from '../../sandbox/intercom-client.ts';

const SINCE = Date.UTC(2026, 0, 15, 10, 30);
const since = SINCE / 1000;

function request(name: string, position: Partial<Position> = {}) {
  const resource = intercom.resources[name];
  if (resource === undefined) throw new Error(name);
  return intercom.page(resource, { limit: resource.list?.pageSize ?? 1, ...position });
}

describe('the requests of Intercom pages (S4-13, S4-15, S4-17)', () => {
  it('lists contacts by cursor, with a page size', () => {
    expect(request('contact')).toEqual({ path: '/contacts', query: { per_page: 150, starting_after: undefined } });
    expect(request('contact', { cursor: 'abc', limit: 10 })).toEqual({
      path: '/contacts',
      query: { per_page: 10, starting_after: 'abc' },
    });
  });

  it('asks for contacts that changed more than a day earlier, because their search counts days (A34)', () => {
    expect(request('contact', { since: SINCE, cursor: 'abc' })).toEqual({
      method: 'POST',
      path: '/contacts/search',
      body: {
        query: { field: 'updated_at', operator: '>', value: since - 26 * 3600 },
        sort: { field: 'updated_at', order: 'ascending' },
        pagination: { per_page: 150, starting_after: 'abc' },
      },
    });
  });

  it('reads all conversations in the order of their creation, which does not change while paging (A34)', () => {
    expect(request('conversation')).toEqual({
      method: 'POST',
      path: '/conversations/search',
      body: {
        query: { field: 'created_at', operator: '>', value: 0 },
        sort: { field: 'created_at', order: 'descending' },
        pagination: { per_page: 150 },
      },
    });
  });

  it('asks for a range of creation times to the second (S4-43)', () => {
    expect(request('ticket', { from: 100, to: 200 }).body).toMatchObject({
      query: {
        operator: 'AND',
        value: [
          { field: 'created_at', operator: '>', value: 99 },
          { field: 'created_at', operator: '<', value: 200 },
        ],
      },
    });
    expect(request('conversation', { from: 100 }).body).toMatchObject({
      query: { field: 'created_at', operator: '>', value: 99 },
    });
  });

  it.each(['conversation', 'ticket'])(
    'searches a %s by change time exactly, and lets no range narrow it (S4-45)',
    (name) => {
      expect(request(name, { since: SINCE, to: 5 }).body).toMatchObject({
        query: { field: 'updated_at', operator: '>', value: since - 1 },
        sort: { field: 'updated_at', order: 'ascending' },
      });
    },
  );

  it('scrolls over companies and pages through articles', () => {
    expect(request('company')).toEqual({ path: '/companies/scroll', query: { scroll_param: undefined } });
    expect(request('company', { cursor: 'p' })).toEqual({ path: '/companies/scroll', query: { scroll_param: 'p' } });
    expect(request('article')).toEqual({ path: '/articles', query: { per_page: 150, page: 1 } });
    expect(request('article', { cursor: '3' })).toEqual({ path: '/articles', query: { per_page: 150, page: '3' } });
  });

  it.each([
    ['admin', '/admins'],
    ['team', '/teams'],
    ['tag', '/tags'],
    ['segment', '/segments'],
  ])('reads the short list of every %s whole', (name, path) => {
    expect(request(name, { since: SINCE })).toEqual({ path, query: {} });
  });

  it('sends the key and the pinned version, and nothing from elsewhere', () => {
    expect(intercom.headers({ appKey: 'a', baseUrl: '', apiKey: 'key', settings: {} })).toEqual({
      authorization: 'Bearer key',
      'intercom-version': intercom.metadata.apiVersion,
    });
  });
});

describe('what a search for changed contacts finds', () => {
  function foundSince(sandbox: IntercomSandbox, since: number): Set<string> {
    const asked = request('contact', { since: since * 1000 });
    const { json } = intercomClient(sandbox).post(asked.path, asked.body);
    return new Set(json.data.map((one: { id: string }) => one.id));
  }

  it('includes every contact that changed since, in any timezone', () => {
    const zones = ['UTC', 'America/Los_Angeles', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Europe/Lisbon'];
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.nat(39), fc.nat(1_000), (timezone, index, seed) => {
        const sandbox = createIntercomSandbox({ seed, size: { contacts: 40 }, timezone });
        const contacts = [...sandbox.objects('contact')].map(({ json }) => JSON.parse(json));
        const from = contacts[index].updated_at;
        const found = foundSince(sandbox, from);
        expect(contacts.filter((one) => one.updated_at >= from && !found.has(one.id))).toEqual([]);
      }),
    );
  });

  it('includes a contact that changed at the end of a day of 25 hours', () => {
    // In Los Angeles, 2 November 2025 began at 07:00 UTC and ended at 08:00 UTC of the next day.
    const nowMs = Date.UTC(2025, 10, 3, 7, 50);
    const sandbox = createIntercomSandbox({
      size: { contacts: 5 },
      timezone: 'America/Los_Angeles',
      nowMs: () => nowMs,
    });
    const { id } = sandbox.provoke.createContact();
    expect(foundSince(sandbox, nowMs / 1000)).toContain(id);
  });
});

describe('the settings of an Intercom app', () => {
  it('takes none, and says where a region belongs', () => {
    expect(intercom.settings.parse({})).toEqual({});
    expect(intercom.settings.safeParse({ region: 'eu' }).error?.issues[0]?.message).toContain(intercomOrigins.eu);
    expect(intercom.settings.safeParse({ regoin: 'eu' }).success).toBe(false);
  });
});

describe('the account behind an Intercom token', () => {
  it('is the workspace that its admin belongs to; no other answer names one', () => {
    const account = { appKey: 'desk', baseUrl: '', apiKey: 'token', settings: {} };
    const { request: question, read } = intercom.identity ?? expect.fail('it declares how to ask');
    const shown = (seed: number) =>
      read(JSON.stringify(intercomClient(createIntercomSandbox({ seed })).get(question.path).json), account);
    expect(shown(1)).toBe(createIntercomSandbox({ seed: 1 }).appId);
    expect(shown(2)).not.toBe(shown(1));
    for (const text of ['', '<html>', '{"type":"error.list"}', '{"app":{"id_code":""}}'])
      expect(read(text, account)).toBeUndefined();
  });
});
