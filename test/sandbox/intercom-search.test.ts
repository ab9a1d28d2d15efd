import { describe, expect, it } from 'vitest';
import { createIntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';
import { createCalendar } from '../../sandbox/intercom/search/day.ts';
import { intercomClient, type Json } from './intercom-client.ts';

const NOW = Date.UTC(2026, 2, 10, 12);
const small = { contacts: 120, companies: 20, conversations: 80, tickets: 40, articles: 5 };

function workspace(options: Parameters<typeof createIntercomSandbox>[0] = {}) {
  const clock = { ms: NOW };
  const sandbox = createIntercomSandbox({ seed: 9, size: small, nowMs: () => clock.ms, ...options });
  return { clock, sandbox, ...intercomClient(sandbox) };
}
const second = (ms: number): number => Math.floor(ms / 1000);
const ids = (list: Json[]): string[] => list.map((one) => one.id);
const since = (field: string, operator: string, value: unknown) => ({ query: { field, operator, value } });

describe('search in an emulated Intercom workspace', () => {
  it('knows contacts by days of the workspace’s timezone only', () => {
    const { clock, sandbox, post } = workspace({ timezone: 'America/Los_Angeles' });
    const [id = ''] = sandbox.ids('contact');
    // 22:00 of March 9 in Los Angeles is already March 10 in UTC.
    clock.ms = Date.UTC(2026, 2, 10, 5);
    sandbox.provoke.updateContact(id, { name: 'Changed' });
    const found = (operator: string, ms: number): string[] =>
      ids(
        post('/contacts/search', { ...since('updated_at', operator, second(ms)), pagination: { per_page: 150 } }).json
          .data,
      );
    expect(found('>', Date.UTC(2026, 2, 10, 4))).toEqual([]);
    expect(found('>', Date.UTC(2026, 2, 9, 12))).toEqual([]);
    expect(found('>', Date.UTC(2026, 2, 9, 6))).toEqual([id]);
    expect(found('=', Date.UTC(2026, 2, 9, 20))).toEqual([id]);
    expect(found('=', Date.UTC(2026, 2, 10, 12))).toEqual([]);
    expect(found('<', Date.UTC(2026, 2, 10, 12))).toContain(id);
    expect(found('<', Date.UTC(2026, 2, 9, 20))).not.toContain(id);
  });

  it('answers with the full timestamp all the same', () => {
    const { sandbox, post } = workspace();
    const [id = ''] = sandbox.ids('contact');
    sandbox.provoke.updateContact(id, {});
    expect(post('/contacts/search', since('updated_at', '=', second(NOW))).json.data[0].updated_at).toBe(second(NOW));
  });

  it('counts the hours of a day on which the clock changes', () => {
    const calendar = createCalendar('America/Los_Angeles');
    const noon = Date.UTC(2026, 2, 8, 20) / 1000;
    expect(calendar.startOfNextDay(noon) - calendar.startOfDay(noon)).toBe(23 * 3_600);
    const autumn = Date.UTC(2026, 10, 1, 20) / 1000;
    expect(calendar.startOfNextDay(autumn) - calendar.startOfDay(autumn)).toBe(25 * 3_600);
    expect(createCalendar('UTC').startOfDay(1_577_869_200)).toBe(1_577_836_800);
    expect(new Date(createCalendar('Asia/Kathmandu').startOfDay(noon) * 1000).toISOString()).toBe(
      '2026-03-08T18:15:00.000Z',
    );
  });

  it('finds a new or changed contact only after the index has caught up', () => {
    const { clock, sandbox, get, post } = workspace({ searchLagMs: 120_000, timezone: 'UTC' });
    const today = since('updated_at', '=', second(NOW));
    const [changed = ''] = sandbox.ids('contact');
    sandbox.provoke.updateContact(changed, {});
    const { id } = sandbox.provoke.createContact({ name: 'New' });
    expect(post('/contacts/search', today).json).toMatchObject({ data: [], total_count: 0 });
    expect(get(`/contacts/${id}`).status).toBe(200);
    clock.ms += 119_000;
    expect(post('/contacts/search', today).json.data).toEqual([]);
    clock.ms += 1_000;
    expect(ids(post('/contacts/search', today).json.data).sort()).toEqual([changed, id].sort());
  });

  it('never shows a deleted contact, even before the index has caught up', () => {
    const { sandbox, post } = workspace({ searchLagMs: 120_000 });
    const [id = ''] = sandbox.ids('contact');
    sandbox.provoke.deleteContact(id);
    expect(post('/contacts/search', since('id', '=', id)).json.data).toEqual([]);
  });

  it('compares conversations and tickets by the second', () => {
    const { clock, sandbox, post } = workspace();
    const [conversation = ''] = sandbox.ids('conversation');
    const [ticket = ''] = sandbox.ids('ticket');
    clock.ms = NOW + 5_000;
    sandbox.provoke.addPart(conversation);
    sandbox.provoke.moveTicket(ticket);
    const after = second(clock.ms);
    expect(ids(post('/conversations/search', since('updated_at', '>', after - 1)).json.conversations)).toEqual([
      conversation,
    ]);
    expect(post('/conversations/search', since('updated_at', '>', after)).json.conversations).toEqual([]);
    expect(ids(post('/tickets/search', since('updated_at', '=', after)).json.tickets)).toEqual([ticket]);
    expect(post('/tickets/search', since('updated_at', '<', after)).json.total_count).toBe(39);
  });

  it('pages through a search in either order without losing or doubling anything', () => {
    const { sandbox, searchPages } = workspace();
    for (const order of ['ascending', 'descending']) {
      for (const field of ['created_at', 'updated_at']) {
        const pages = [
          ...searchPages('/conversations/search', { ...since('updated_at', '>', 0), sort: { field, order } }, 17),
        ];
        const found = pages.flatMap((page) => page.conversations) as Json[];
        expect(new Set(ids(found))).toEqual(new Set(sandbox.ids('conversation')));
        expect(found).toHaveLength(80);
        const keys = found.map((one) => one[field]);
        expect(keys).toEqual(keys.toSorted((a: number, b: number) => (order === 'ascending' ? a - b : b - a)));
        expect(pages[0]).toMatchObject({ total_count: 80, pages: { per_page: 17, total_pages: 5 } });
      }
    }
  });

  it('shows a conversation twice that is answered while being read in ascending order', () => {
    const { clock, sandbox, searchPages } = workspace();
    const body = { ...since('updated_at', '>', 0), sort: { field: 'updated_at', order: 'ascending' } };
    const seen: string[] = [];
    let moved = '';
    for (const page of searchPages('/conversations/search', body, 20)) {
      seen.push(...ids(page.conversations));
      if (moved === '') {
        moved = seen[3] ?? '';
        clock.ms += 1_000;
        sandbox.provoke.addPart(moved);
      }
    }
    expect(seen.filter((id) => id === moved)).toHaveLength(2);
    expect(new Set(seen).size).toBe(80);
  });

  it('combines filters with AND and OR', () => {
    const { sandbox, post } = workspace();
    const all = [...sandbox.objects('contact')].map(({ json }) => JSON.parse(json) as Json);
    const role = { field: 'role', operator: '=', value: 'lead' };
    const browsers = ['chrome', 'safari'].map((value) => ({ field: 'browser', operator: '=', value }));
    const expected = all.filter((one) => one.role === 'lead' && one.browser !== 'firefox');
    const nested = {
      query: { operator: 'AND', value: [role, { operator: 'OR', value: browsers }] },
      pagination: { per_page: 150 },
    };
    expect(new Set(ids(post('/contacts/search', nested).json.data))).toEqual(new Set(ids(expected)));
    expect(post('/contacts/search', since('browser', 'IN', ['chrome', 'safari'])).json.total_count).toBe(
      all.filter((one) => one.browser !== 'firefox').length,
    );
    expect(post('/contacts/search', since('browser', 'NIN', ['chrome', 'safari'])).json.total_count).toBe(
      all.filter((one) => one.browser === 'firefox').length,
    );
    expect(post('/contacts/search', since('name', '~', 'ada')).json.total_count).toBe(
      all.filter((one) => one.name?.toLowerCase().includes('ada')).length,
    );
    expect(post('/contacts/search', since('phone', '=', null)).json.total_count).toBe(
      all.filter((one) => one.phone === null).length,
    );
    expect(post('/contacts/search', since('has_hard_bounced', '=', false)).json.total_count).toBe(
      all.filter((one) => !one.has_hard_bounced).length,
    );
  });

  it('finds conversations of a contact, open ones, and long ones', () => {
    const { sandbox, post } = workspace();
    const all = [...sandbox.objects('conversation')].map(({ json }) => JSON.parse(json) as Json);
    const contact = all[0].contacts.contacts[0].id;
    expect(ids(post('/conversations/search', since('contact_ids', 'IN', [contact])).json.conversations)).toContain(
      all[0].id,
    );
    expect(post('/conversations/search', since('open', '=', true)).json.total_count).toBe(
      all.filter((one) => one.open).length,
    );
    expect(post('/conversations/search', since('statistics.count_conversation_parts', '>', 400)).json.total_count).toBe(
      1,
    );
  });

  it.each([
    [{}, 'parameter_not_found'],
    [{ query: { field: 'email', operator: '>', value: 'x' } }, 'invalid_operator'],
    [{ query: { field: 'updated_at', operator: '>=', value: 1 } }, 'invalid_operator'],
    [{ query: { operator: 'XOR', value: [] } }, 'invalid_operator'],
    [{ query: { field: 'shoe_size', operator: '=', value: 1 } }, 'invalid_field'],
    [{ query: { field: 'updated_at', operator: '>', value: 'yesterday' } }, 'invalid_value'],
    [
      {
        query: {
          operator: 'AND',
          value: Array.from({ length: 16 }, () => ({ field: 'id', operator: '=', value: '1' })),
        },
      },
      'invalid_value',
    ],
    [{ query: { field: 'id', operator: '=', value: '1' }, pagination: { per_page: 151 } }, 'parameter_invalid'],
    [
      { query: { field: 'id', operator: '=', value: '1' }, pagination: { starting_after: 'rubbish' } },
      'parameter_invalid',
    ],
    [{ query: { field: 'id', operator: '=', value: '1' }, sort: { field: 'name' } }, 'parameter_invalid'],
  ])('refuses %j with %s', (body, code) => {
    expect(workspace().post('/contacts/search', body)).toMatchObject({
      status: 400,
      json: { type: 'error.list', errors: [{ code }] },
    });
  });
});
