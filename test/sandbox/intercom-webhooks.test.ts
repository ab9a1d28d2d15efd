import { createHmac } from 'node:crypto';
import { IntercomClient } from 'intercom-client';
import { describe, expect, it } from 'vitest';
import { sandboxFetch } from '../../sandbox/http/fetch.ts';
import type { SandboxDelivery } from '../../sandbox/http/provider.ts';
import { serveSandbox } from '../../sandbox/http/serve.ts';
import { createIntercomSandbox, INTERCOM_RATE_LIMIT } from '../../sandbox/intercom/intercom-sandbox.ts';
import { intercomClient, type Json } from './intercom-client.ts';

const NOW = Date.UTC(2026, 2, 10, 12);
const small = { contacts: 160, companies: 230, conversations: 70, tickets: 40, articles: 20 };

function workspace(options: Parameters<typeof createIntercomSandbox>[0] = {}) {
  const sandbox = createIntercomSandbox({ seed: 3, size: small, nowMs: () => NOW, clientSecret: 's3cret', ...options });
  return { sandbox, ...intercomClient(sandbox) };
}
const event = (delivery: SandboxDelivery | undefined): Json => JSON.parse(delivery?.body ?? 'null');
const topics = (deliveries: readonly SandboxDelivery[]): string[] =>
  deliveries.map((delivery) => event(delivery).topic);

describe('notifications of an emulated Intercom workspace', () => {
  it('wraps the object in an event and signs the raw body with SHA-1', () => {
    const { sandbox } = workspace();
    const [id = ''] = sandbox.ids('company');
    const [delivery] = sandbox.provoke.updateCompany(id, { name: 'Größer GmbH' });
    expect(event(delivery)).toMatchObject({
      type: 'notification_event',
      app_id: sandbox.appId,
      topic: 'company.updated',
      delivery_attempts: 1,
      created_at: NOW / 1000,
      first_sent_at: NOW / 1000,
      data: { type: 'notification_event_data', item: { type: 'company', id, name: 'Größer GmbH' } },
    });
    const digest = createHmac('sha1', 's3cret')
      .update(delivery?.body ?? '')
      .digest('hex');
    expect(delivery?.sign(delivery.body, NOW)).toEqual({ 'x-hub-signature': `sha1=${digest}` });
  });

  it('carries the object as the API has it, except where less is sent', () => {
    const { sandbox, get } = workspace();
    const { id, deliveries } = sandbox.provoke.createContact({ role: 'user', email: 'new@example.test' });
    expect(event(deliveries[0])).toMatchObject({ topic: 'contact.user.created' });
    expect(event(deliveries[0]).data.item).toEqual(get(`/contacts/${id}`).json);
    expect(topics(sandbox.provoke.createContact({ role: 'lead' }).deliveries)).toEqual(['contact.lead.created']);
  });

  it('tells less about a conversation than the API gives', () => {
    const { sandbox, get } = workspace();
    const [id = ''] = sandbox.ids('conversation');
    sandbox.provoke.addPart(id, 'admin_comment');
    const [delivery] = sandbox.provoke.addPart(id, 'user_comment');
    const { topic, data } = event(delivery);
    expect(topic).toBe('conversation.user.replied');
    expect(data.item.conversation_parts.conversation_parts).toHaveLength(1);
    expect(data.item).not.toHaveProperty('statistics');
    expect(data.item).not.toHaveProperty('custom_attributes');
    expect(get(`/conversations/${id}`).json.conversation_parts.conversation_parts.length).toBeGreaterThan(1);
  });

  it('names the deleted and says nothing more', () => {
    const { sandbox } = workspace();
    const [contact = ''] = sandbox.ids('contact');
    const [conversation = ''] = sandbox.ids('conversation');
    const [company = ''] = sandbox.ids('company');
    expect(event(sandbox.provoke.deleteContact(contact)[0])).toMatchObject({
      topic: 'contact.deleted',
      data: { item: { type: 'contact', id: contact } },
    });
    expect(Object.keys(event(sandbox.provoke.deleteConversation(conversation)[0]).data.item)).toEqual(['type', 'id']);
    expect(event(sandbox.provoke.deleteCompany(company)[0])).toMatchObject({
      topic: 'company.deleted',
      data: { item: { id: company } },
    });
  });

  it('tells of a merge without naming the contact that is gone', () => {
    const { sandbox } = workspace();
    const contacts = [...sandbox.objects('contact')].map(({ json }) => JSON.parse(json) as Json);
    const lead = contacts.find((one) => one.role === 'lead');
    const user = contacts.find((one) => one.role === 'user');
    const [delivery] = sandbox.provoke.mergeContacts(lead.id, user.id);
    expect(event(delivery)).toMatchObject({ topic: 'contact.merged', data: { item: { id: user.id } } });
    expect(delivery?.body).not.toContain(lead.id);
  });

  it('gives tag topics an item of contact and tag', () => {
    const { sandbox } = workspace();
    const contact = [...sandbox.objects('contact')]
      .map(({ json }) => JSON.parse(json) as Json)
      .find((one) => one.tags.total_count === 0);
    const [tag = ''] = sandbox.ids('tag');
    expect(event(sandbox.provoke.tagContact(contact.id, tag)[0])).toMatchObject({
      topic: 'contact.tag.created',
      data: { item: { type: 'contact_tag', tag: { id: tag }, contact: { id: contact.id } } },
    });
  });

  it('empties a redacted part and says so', () => {
    const { sandbox, get } = workspace();
    const { id } = sandbox.provoke.createConversation();
    sandbox.provoke.addPart(id, 'user_comment');
    const [part] = get(`/conversations/${id}`).json.conversation_parts.conversation_parts;
    expect(topics(sandbox.provoke.redactPart(id, part.id))).toEqual(['conversation_part.redacted']);
    const [after] = get(`/conversations/${id}`).json.conversation_parts.conversation_parts;
    expect(after).toMatchObject({ id: part.id, redacted: true });
    expect(after.body).not.toBe(part.body);
  });

  it('sends a ping and any topic from next year', () => {
    const { sandbox } = workspace();
    expect(event(sandbox.provoke.ping())).toMatchObject({ topic: 'ping', data: { item: { type: 'ping' } } });
    expect(event(sandbox.provoke.notify('hologram.shown', { type: 'hologram' })).topic).toBe('hologram.shown');
  });

  it('announces what is written through the API as well', () => {
    const { sandbox, post } = workspace();
    const [id = ''] = sandbox.ids('contact');
    post(`/contacts/${id}/archive`);
    expect(topics(sandbox.takeDeliveries())).toContain('contact.archived');
    expect(sandbox.takeDeliveries()).toEqual([]);
  });

  it('changes in the same way for the same seed, through every topic', () => {
    const run = (): string[] => {
      const { sandbox } = workspace();
      return Array.from({ length: 1_500 }, () => sandbox.mutate())
        .flat()
        .map((delivery) => delivery.body);
    };
    const first = run();
    expect(run()).toEqual(first);
    const seen = new Set(first.map((body) => (JSON.parse(body) as Json).topic));
    for (const topic of [
      'contact.user.created',
      'contact.lead.created',
      'contact.user.updated',
      'contact.lead.updated',
      'contact.tag.created',
      'contact.archived',
      'contact.deleted',
      'contact.merged',
      'company.created',
      'company.updated',
      'company.deleted',
      'conversation.user.created',
      'conversation.user.replied',
      'conversation.admin.replied',
      'conversation.admin.closed',
      'conversation.deleted',
      'conversation_part.redacted',
      'ticket.created',
      'ticket.state.updated',
    ]) {
      expect(seen, topic).toContain(topic);
    }
  });

  it('changes nothing in silence but articles: a reader of notifications knows every object that moved', () => {
    const { sandbox } = workspace();
    for (let turn = 0; turn < 400; turn += 1) {
      const before = new Map<string, string>();
      const resources = ['contact', 'company', 'ticket'];
      if (turn % 40 === 0)
        for (const resource of resources) for (const { id, json } of sandbox.objects(resource)) before.set(id, json);
      const told = sandbox
        .mutate()
        .map((delivery) => delivery.body)
        .join('\n');
      if (before.size === 0) continue;
      for (const resource of resources) {
        for (const { id, json } of sandbox.objects(resource)) if (before.get(id) !== json) expect(told).toContain(id);
      }
    }
  });
});

describe('an emulated Intercom workspace behind a transport', () => {
  it('tells the budget of the ten-second window and refuses beyond it in the provider’s words', async () => {
    const clock = { ms: NOW };
    const { sandbox } = workspace();
    const ask = sandboxFetch(sandbox, {
      nowMs: () => clock.ms,
      rateLimit: { global: { limit: 2, windowMs: 10_000, kind: 'window' } },
    });
    const request = () =>
      ask('https://api.intercom.io/me', { headers: { authorization: `Bearer ${sandbox.accessToken}` } });
    const first = await request();
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'x-ratelimit-limit': '2',
      'x-ratelimit-remaining': '1',
      'x-ratelimit-reset': String(NOW / 1000 + 10),
    });
    await request();
    const refused = await request();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ type: 'error.list', errors: [{ code: 'rate_limit_exceeded' }] });
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    clock.ms += 10_000;
    expect((await request()).status).toBe(200);
  });

  it('is read completely by the official client', async () => {
    const { sandbox } = workspace();
    const server = await serveSandbox(sandbox, { rateLimit: INTERCOM_RATE_LIMIT });
    try {
      const client = new IntercomClient({ token: sandbox.accessToken, baseUrl: server.url, version: '2.14' });
      const contacts: string[] = [];
      for await (const contact of await client.contacts.list({ per_page: 60 })) contacts.push(contact.id);
      expect(contacts.sort()).toEqual([...sandbox.ids('contact')].sort());
      const companies: string[] = [];
      for await (const company of await client.companies.scroll()) companies.push(company.id);
      expect(companies.sort()).toEqual([...sandbox.ids('company')].sort());
      const conversations: string[] = [];
      for await (const one of await client.conversations.search({
        query: { field: 'updated_at', operator: '>', value: '0' },
        pagination: { per_page: 30 },
      }))
        conversations.push(one.id);
      expect(conversations.sort()).toEqual([...sandbox.ids('conversation')].sort());
      const [id = ''] = sandbox.ids('conversation');
      const whole = await client.conversations.find({ conversation_id: id });
      expect(whole.conversation_parts?.total_count).toBe(whole.statistics?.count_conversation_parts);
      const articles: string[] = [];
      for await (const article of await client.articles.list({ per_page: 7 })) articles.push(article.id);
      expect(articles.sort()).toEqual([...sandbox.ids('article')].sort());
      expect((await client.admins.list()).admins).toHaveLength(12);
      await expect(client.contacts.find({ contact_id: 'nobody' })).rejects.toMatchObject({ statusCode: 404 });
    } finally {
      await server.close();
    }
  });
});
