import { describe, expect, it } from 'vitest';
import { intercom } from '../../../connectors/intercom/index.ts';
import { createIntercomSandbox } from '../../../sandbox/intercom/intercom-sandbox.ts';
import { valueAt } from '../../../src/kit/index.ts';

const AT = 1_767_225_600;
const CONTACT = { type: 'contact', id: 'c1', updated_at: AT, custom_attributes: {} };
const COMPANY = { type: 'company', id: 'co1', updated_at: AT, custom_attributes: {} };
const WHOLE = ['data', 'item'];

function notification(topic: string, item: unknown, rest: object = {}): string {
  return JSON.stringify({ type: 'notification_event', id: 'notif_1', topic, created_at: AT, data: { item }, ...rest });
}
const parse = (topic: string, item: unknown) => intercom.webhook.parse(notification(topic, item));

describe('reading an Intercom notification (S4-09, S4-10)', () => {
  it('takes id, topic and time', () => {
    expect(parse('contact.user.created', CONTACT)).toEqual({
      id: 'notif_1',
      providerType: 'contact.user.created',
      occurredAt: AT * 1000,
      operations: [{ type: 'create', resource: 'contact', externalId: 'c1', object: WHOLE }],
    });
  });

  it.each([
    ['contact.lead.created', CONTACT, [['create', 'contact', 'c1', WHOLE]]],
    ['contact.user.updated', CONTACT, [['update', 'contact', 'c1', WHOLE]]],
    ['contact.email.updated', CONTACT, [['update', 'contact', 'c1', WHOLE]]],
    ['contact.lead.signed_up', CONTACT, [['update', 'contact', 'c1', WHOLE]]],
    ['contact.unarchive', CONTACT, [['update', 'contact', 'c1', WHOLE]]],
    ['contact.archived', CONTACT, [['archive', 'contact', 'c1']]],
    ['contact.deleted', { type: 'contact', id: 'c1' }, [['delete', 'contact', 'c1']]],
    [
      'contact.user.tag.created',
      { type: 'contact_tag', tag: { type: 'tag', id: 't1' }, contact: CONTACT },
      [['update', 'contact', 'c1']],
    ],
    [
      'contact.lead.tag.deleted',
      { type: 'contact_tag', tag: { type: 'tag', id: 't1' }, contact: CONTACT },
      [['update', 'contact', 'c1']],
    ],
    ['contact.unsubscribed', { type: 'subscription', contact: CONTACT }, [['update', 'contact', 'c1']]],
    ['granular.unsubscribe', { type: 'subscription', contact: CONTACT }, [['update', 'contact', 'c1']]],
    ['visitor.signed_up', { type: 'user', id: 'c1' }, [['update', 'contact', 'c1']]],
    ['company.created', COMPANY, [['create', 'company', 'co1', WHOLE]]],
    ['company.updated', COMPANY, [['update', 'company', 'co1', WHOLE]]],
    ['company.deleted', { type: 'company', id: 'co1', company_id: 'x' }, [['delete', 'company', 'co1']]],
    [
      'company.contact.attached',
      { type: 'company_contact', company: COMPANY, contact: CONTACT },
      [
        ['update', 'company', 'co1'],
        ['update', 'contact', 'c1'],
      ],
    ],
    ['conversation.user.created', { type: 'conversation', id: '7' }, [['create', 'conversation', '7']]],
    ['conversation.admin.replied', { type: 'conversation', id: 7 }, [['update', 'conversation', '7']]],
    [
      'conversation.contact.attached',
      { conversation: { type: 'conversation', id: '7' }, contact: CONTACT },
      [['update', 'conversation', '7']],
    ],
    ['conversation.deleted', { type: 'conversation', id: '7' }, [['delete', 'conversation', '7']]],
    ['conversation_part.redacted', { type: 'conversation', id: '7' }, [['update', 'conversation', '7']]],
    [
      'conversation_part.redacted',
      { type: 'conversation_part', id: 'p', conversation_id: 7 },
      [['update', 'conversation', '7']],
    ],
    ['ticket.created', { type: 'ticket', id: '9' }, [['create', 'ticket', '9']]],
    ['ticket.state.updated', { type: 'ticket', id: '9' }, [['update', 'ticket', '9']]],
    ['ticket.closed', { ticket: { type: 'ticket', id: '9' } }, [['update', 'ticket', '9']]],
    ['article.published', { type: 'article', id: '5' }, [['update', 'article', '5']]],
    ['article.deleted', { type: 'article', id: '5' }, [['delete', 'article', '5']]],
    ['admin.away_mode_updated', { type: 'admin', id: '3' }, [['update', 'admin', '3']]],
    ['admin.removed_from_workspace', { type: 'admin', id: '3' }, [['delete', 'admin', '3']]],
  ] as const)('understands %s', (topic, item, expected) => {
    const operations = parse(topic, item).operations.map((one) => [
      one.type,
      one.resource,
      one.externalId,
      ...(one.object ? [one.object] : []),
    ]);
    expect(operations).toEqual(expected);
  });

  it('deletes the contact that was merged away, where it is named, and reads the surviving one again (A34)', () => {
    expect(parse('contact.merged', { ...CONTACT, merged_from: { type: 'contact', id: 'lead' } }).operations).toEqual([
      { type: 'delete', resource: 'contact', externalId: 'lead' },
      { type: 'update', resource: 'contact', externalId: 'c1' },
    ]);
    expect(parse('contact.merged', CONTACT).operations).toEqual([
      { type: 'update', resource: 'contact', externalId: 'c1' },
    ]);
  });

  it('reads a contact again when its notification shows less than the API (A10)', () => {
    expect(parse('contact.user.updated', { type: 'contact', id: 'c1' }).operations).toEqual([
      { type: 'update', resource: 'contact', externalId: 'c1' },
    ]);
    expect(parse('contact.user.updated', { type: 'user', id: 'c1', updated_at: AT }).operations).toEqual([
      { type: 'update', resource: 'contact', externalId: 'c1' },
    ]);
  });

  it('never takes a conversation or a ticket from a notification, which shows a part of it (A10)', () => {
    const sandbox = createIntercomSandbox({ seed: 8, size: { contacts: 10, conversations: 10, tickets: 10 } });
    const [conversation] = [...sandbox.ids('conversation')];
    const [ticket] = [...sandbox.ids('ticket')];
    const deliveries = [
      ...sandbox.provoke.addPart(conversation ?? '', 'admin_comment'),
      ...sandbox.provoke.moveTicket(ticket ?? ''),
    ];
    const operations = deliveries.flatMap((one) => intercom.webhook.parse(one.body).operations);
    expect(operations.map((one) => [one.externalId, one.object])).toEqual([
      [conversation, undefined],
      [ticket, undefined],
    ]);
  });

  it('ignores a ping, with or without an id, and says why (A1, A2)', () => {
    expect(parse('ping', { type: 'ping' })).toMatchObject({ operations: [], ignored: expect.stringContaining('ping') });
    expect(intercom.webhook.parse(notification('ping', { type: 'ping' }, { id: null }))).toMatchObject({
      id: `ping:${AT}`,
      operations: [],
    });
  });

  it.each([
    ['event.created', { type: 'event' }],
    ['content_stat.email', { type: 'content_stat.email', contact: CONTACT }],
    ['admin.logged_in', { type: 'admin', id: '3' }],
    ['something.from.next_year', { type: 'something', id: '1' }],
    ['contact.user.updated', { type: 'mystery' }],
    ['contact.user.updated', null],
    ['conversation_part.redacted', { type: 'conversation_part', id: 'p' }],
  ])('keeps %s without touching anything, and says why (A1)', (topic, item) => {
    const event = parse(topic, item);
    expect(event.operations).toEqual([]);
    expect(event.ignored).toMatch(/\w/);
  });

  it.each([
    '',
    'not json',
    '[]',
    '{}',
    '{"type":"notification_event","topic":"contact.deleted"}',
    notification('contact.deleted', CONTACT, { id: null }),
  ])('throws on text that is no notification: %s', (text) => {
    expect(() => intercom.webhook.parse(text)).toThrow();
  });

  it('points at whole objects, in everything that a workspace announces in a day', () => {
    const sandbox = createIntercomSandbox({
      seed: 11,
      size: { contacts: 60, companies: 20, conversations: 30, tickets: 10, articles: 10 },
    });
    let pointed = 0;
    for (let turn = 0; turn < 400; turn += 1) {
      for (const { body } of sandbox.mutate()) {
        const event = intercom.webhook.parse(body);
        expect(event.ignored).toBeUndefined();
        expect(event.operations.length).toBeGreaterThan(0);
        for (const { object, resource, externalId } of event.operations) {
          if (object === undefined) continue;
          pointed += 1;
          expect(valueAt(JSON.parse(body), object)).toMatchObject({ type: resource, id: externalId });
        }
      }
    }
    expect(pointed).toBeGreaterThan(50);
  });
});
