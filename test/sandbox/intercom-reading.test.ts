import { describe, expect, it } from 'vitest';
import { createIntercomSandbox } from '../../sandbox/intercom/intercom-sandbox.ts';
import { intercomClient, type Json } from './intercom-client.ts';

const NOW = Date.UTC(2026, 2, 10, 12);
const small = { contacts: 130, companies: 40, conversations: 60, tickets: 25, articles: 20 };

function workspace(options: Parameters<typeof createIntercomSandbox>[0] = {}) {
  const clock = { ms: NOW };
  const sandbox = createIntercomSandbox({ seed: 5, size: small, nowMs: () => clock.ms, ...options });
  return { clock, sandbox, ...intercomClient(sandbox) };
}
const ids = (list: Json[]): string[] => list.map((one) => one.id);

describe('an emulated Intercom workspace', () => {
  it('answers a wrong token with an error list and 401', () => {
    const { sandbox } = workspace();
    const answer = intercomClient(sandbox, { authorization: 'Bearer wrong' }).get('/contacts');
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({ type: 'error.list', errors: [{ code: 'unauthorized' }] });
    expect(answer.json.request_id).toBe(answer.headers['x-request-id']);
  });

  it('echoes the version it was asked for, and refuses one that it does not know', () => {
    const { sandbox } = workspace();
    expect(intercomClient(sandbox, { 'intercom-version': '2.11' }).get('/me').headers['intercom-version']).toBe('2.11');
    expect(intercomClient(sandbox).get('/me').headers['intercom-version']).toBe('2.14');
    expect(intercomClient(sandbox, { 'intercom-version': '9.9' }).get('/me')).toMatchObject({
      status: 400,
      json: { errors: [{ code: 'intercom_version_invalid' }] },
    });
  });

  it('names the workspace and its timezone', () => {
    const { sandbox, get } = workspace({ timezone: 'Asia/Tokyo' });
    expect(get('/me').json.app).toMatchObject({ id_code: sandbox.appId, timezone: 'Asia/Tokyo' });
  });

  it('holds at least 5,000 objects unless told otherwise', () => {
    const total = Object.values(createIntercomSandbox().counts()).reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(5_000);
  });

  it('shows the same objects for the same seed, and others for another', () => {
    const page = (seed: number) => workspace({ seed }).get('/contacts?per_page=20').json;
    expect(page(1)).toEqual(page(1));
    expect(ids(page(1).data)).not.toEqual(ids(page(2).data));
  });

  it('lists every contact once over all pages', () => {
    const { sandbox, listPages } = workspace();
    const pages = [...listPages('/contacts', 25)];
    expect(pages.map((page) => page.data.length)).toEqual([25, 25, 25, 25, 25, 5]);
    const seen = pages.flatMap((page) => ids(page.data));
    expect(new Set(seen)).toEqual(new Set(sandbox.ids('contact')));
    expect(seen).toHaveLength(130);
    expect(pages.at(-1).pages).not.toHaveProperty('next');
  });

  it('writes a list as it writes its objects, changed or not and in any script', () => {
    const { sandbox, ask, get, post, listPages } = workspace();
    const [first, second, third] = ids(get('/contacts?per_page=3').json.data);
    ask('PUT', `/contacts/${first}`, { external_id: 'клиент-1 🙂', name: 'Zoë “Ünïcode”', email: 'zoe@ünï.example' });
    ask('PUT', `/contacts/${second}`, { email: null, custom_attributes: { plan: 'gold', since: 'été' } });
    post(`/contacts/${third}/archive`);
    for (let i = 0; i < 80; i += 1) sandbox.mutate();
    const contacts = [...listPages('/contacts', 50)].flatMap((page) => page.data);
    expect(contacts.length).toBeGreaterThan(100);
    for (const contact of contacts) expect(contact).toEqual(get(`/contacts/${contact.id}`).json);
    const conversations = [...listPages('/conversations', 50)].flatMap((page) => page.conversations);
    for (const listed of conversations) {
      const { conversation_parts: _parts, ...alone } = get(`/conversations/${listed.id}`).json;
      expect(listed).toEqual(alone);
    }
  });

  it('names companies and admins that are not there by codes of their own', () => {
    const { get } = workspace();
    expect(get('/companies/0123456789abcdef01234567')).toMatchObject({
      status: 404,
      json: { type: 'error.list', errors: [{ code: 'company_not_found', message: 'Company Not Found' }] },
    });
    expect(get('/admins/1')).toMatchObject({
      status: 404,
      json: { errors: [{ code: 'admin_not_found', message: 'Admin not found' }] },
    });
  });

  it('refuses a page larger than 150', () => {
    const { get } = workspace();
    expect(get('/contacts?per_page=151')).toMatchObject({
      status: 400,
      json: { errors: [{ code: 'parameter_invalid' }] },
    });
    expect(get('/contacts?per_page=150').status).toBe(200);
    expect(get('/contacts').json.pages.per_page).toBe(50);
  });

  it('answers each object by id as the truth has it', () => {
    const { sandbox, get } = workspace();
    const paths = {
      contact: 'contacts',
      company: 'companies',
      conversation: 'conversations',
      ticket: 'tickets',
      article: 'articles',
      admin: 'admins',
      team: 'teams',
      tag: 'tags',
      segment: 'segments',
    };
    for (const [resource, path] of Object.entries(paths)) {
      let looked = 0;
      for (const { id, json } of sandbox.objects(resource)) {
        if (looked++ > 20) break;
        const answer = get(`/${path}/${id}`);
        expect(answer.status, resource).toBe(200);
        expect(answer.json, resource).toEqual(JSON.parse(json));
      }
      expect(looked, resource).toBeGreaterThan(0);
    }
  });

  it('counts what a complete reader finds', () => {
    const { sandbox } = workspace();
    for (let i = 0; i < 300; i += 1) sandbox.mutate();
    for (const [resource, count] of Object.entries(sandbox.counts())) {
      const found = [...sandbox.ids(resource)];
      expect(found, resource).toHaveLength(count);
      expect(new Set(found).size, resource).toBe(count);
    }
  });

  it('keeps contacts, companies and conversations consistent with each other', () => {
    const { sandbox, get } = workspace();
    const companies = new Map([...sandbox.objects('company')].map(({ id, json }) => [id, JSON.parse(json) as Json]));
    const users = new Map<string, number>();
    for (const { json } of sandbox.objects('contact')) {
      for (const { id } of (JSON.parse(json) as Json).companies.data) users.set(id, (users.get(id) ?? 0) + 1);
    }
    for (const [id, company] of companies) expect(company.user_count).toBe(users.get(id) ?? 0);
    for (const { json } of sandbox.objects('conversation')) {
      for (const contact of (JSON.parse(json) as Json).contacts.contacts)
        expect(get(`/contacts/${contact.id}`).status).toBe(200);
    }
  });

  it('hides an archived contact from lists and searches but shows it by id', () => {
    const { sandbox, get, post, listPages } = workspace();
    const [id = ''] = sandbox.ids('contact');
    expect(post(`/contacts/${id}/archive`).json).toMatchObject({ id, archived: true });
    expect([...listPages('/contacts', 50)].flatMap((page) => ids(page.data))).not.toContain(id);
    expect(post('/contacts/search', { query: { field: 'id', operator: '=', value: id } }).json.data).toEqual([]);
    expect(get(`/contacts/${id}`)).toMatchObject({ status: 200, json: { id, archived: true } });
    post(`/contacts/${id}/unarchive`);
    expect(get(`/contacts/${id}`).json).not.toHaveProperty('archived');
    expect([...sandbox.ids('contact')]).toContain(id);
  });

  it('does not find a deleted contact, nor one merged into another', () => {
    const { sandbox, ask, get, post } = workspace();
    const contacts = [...sandbox.objects('contact')].map(({ json }) => JSON.parse(json) as Json);
    const [lead] = contacts.filter((one) => one.role === 'lead');
    const [user, gone] = contacts.filter((one) => one.role === 'user');
    expect(ask('DELETE', `/contacts/${gone.id}`).json).toMatchObject({ id: gone.id, deleted: true });
    expect(get(`/contacts/${gone.id}`)).toMatchObject({
      status: 404,
      json: { type: 'error.list', errors: [{ code: 'not_found' }] },
    });
    expect(post('/contacts/merge', { from: user.id, into: lead.id })).toMatchObject({
      status: 400,
      json: { errors: [{ code: 'invalid_merge' }] },
    });
    expect(post('/contacts/merge', { from: lead.id, into: user.id }).json.id).toBe(user.id);
    expect(get(`/contacts/${lead.id}`).status).toBe(404);
    expect(sandbox.counts()['contact']).toBe(128);
  });

  it('lists conversations newest first and without their parts', () => {
    const { get } = workspace();
    const { conversations } = get('/conversations?per_page=60').json;
    const updated = conversations.map((one: Json) => one.updated_at);
    expect(updated).toEqual(updated.toSorted((a: number, b: number) => b - a));
    for (const one of conversations) expect(one).not.toHaveProperty('conversation_parts');
  });

  it('moves a conversation that is answered meanwhile behind the back of a reader', () => {
    const { clock, sandbox, listPages } = workspace();
    const before = [...listPages('/conversations', 20)].flatMap((page) => ids(page.conversations));
    const later = before[45] ?? '';
    const seen: string[] = [];
    for (const page of listPages('/conversations', 20)) {
      if (seen.length === 0) {
        clock.ms += 1_000;
        sandbox.provoke.addPart(later);
      }
      seen.push(...ids(page.conversations));
    }
    expect(seen).not.toContain(later);
    expect(seen).toHaveLength(59);
  });

  it('shows the newest 500 parts of a longer conversation and tells how many there are', () => {
    const { sandbox, get } = workspace();
    const long = [...sandbox.objects('conversation')]
      .map(({ json }) => JSON.parse(json) as Json)
      .find((one) => one.statistics.count_conversation_parts > 500);
    const { conversation_parts: shown } = get(`/conversations/${long.id}`).json;
    expect(shown.conversation_parts).toHaveLength(500);
    expect(shown.total_count).toBe(long.statistics.count_conversation_parts);
    const oldest = shown.conversation_parts[0].id;
    sandbox.provoke.addPart(long.id, 'admin_comment');
    const now = get(`/conversations/${long.id}`).json;
    expect(ids(now.conversation_parts.conversation_parts)).not.toContain(oldest);
    expect(now.conversation_parts.conversation_parts.at(-1).created_at).toBe(now.updated_at);
    expect(now.statistics.count_conversation_parts).toBe(shown.total_count + 1);
  });

  it('does not find a deleted conversation', () => {
    const { sandbox, ask, get } = workspace();
    const [id = ''] = sandbox.ids('conversation');
    expect(ask('DELETE', `/conversations/${id}`).json).toEqual({ id, object: 'conversation', deleted: true });
    expect(get(`/conversations/${id}`)).toMatchObject({ status: 404, json: { type: 'error.list' } });
  });

  it('shows the state of a ticket as a text until 2.11 and as an object from 2.12 on', () => {
    const { sandbox, get } = workspace();
    const [id = ''] = sandbox.ids('ticket');
    expect(get(`/tickets/${id}`).json.ticket_state).toMatchObject({ type: 'ticket_state' });
    expect(intercomClient(sandbox, { 'intercom-version': '2.11' }).get(`/tickets/${id}`).json.ticket_state).toEqual(
      expect.any(String),
    );
    expect(get(`/tickets/${id}`).json.ticket_parts.ticket_parts.length).toBeGreaterThan(0);
  });

  it('lists articles by page number, newest updated first', () => {
    const { sandbox, get } = workspace();
    const first = get('/articles?per_page=15').json;
    const second = get('/articles?per_page=15&page=2').json;
    expect(first.pages).toMatchObject({ page: 1, total_pages: 2 });
    expect(second.pages.next).toBeNull();
    expect(new Set([...ids(first.data), ...ids(second.data)])).toEqual(new Set(sandbox.ids('article')));
  });

  it('lists admins, teams, tags and segments whole', () => {
    const { sandbox, get } = workspace();
    expect(ids(get('/admins').json.admins)).toEqual([...sandbox.ids('admin')]);
    expect(ids(get('/teams').json.teams)).toEqual([...sandbox.ids('team')]);
    expect(ids(get('/tags').json.data)).toEqual([...sandbox.ids('tag')]);
    expect(ids(get('/segments').json.segments)).toEqual([...sandbox.ids('segment')]);
  });

  it('starts again from the first state on request', () => {
    const { sandbox } = workspace();
    const before = [...sandbox.objects('contact')];
    for (let i = 0; i < 50; i += 1) sandbox.mutate();
    sandbox.reset();
    expect([...sandbox.objects('contact')]).toEqual(before);
  });

  it('works with an empty workspace', () => {
    const { sandbox, get } = workspace({
      size: {
        contacts: 0,
        companies: 0,
        conversations: 0,
        tickets: 0,
        articles: 0,
        admins: 0,
        teams: 0,
        tags: 0,
        segments: 0,
      },
    });
    expect(get('/contacts').json).toMatchObject({ data: [], total_count: 0 });
    expect(get('/conversations').json).toMatchObject({ conversations: [], total_count: 0 });
    expect(get('/companies/scroll').json.data).toEqual([]);
    expect(Object.values(sandbox.counts()).every((count) => count === 0)).toBe(true);
    for (let i = 0; i < 40; i += 1) sandbox.mutate();
    expect(sandbox.counts()['contact']).toBeGreaterThan(0);
  });
});
