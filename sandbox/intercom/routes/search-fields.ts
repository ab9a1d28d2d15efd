import type { FieldType } from '../search/query.ts';

/** Searchable fields as the documentation lists them; custom attributes take any operator of a text. */
const CONTACT: Readonly<Record<string, FieldType>> = {
  id: 'string',
  role: 'string',
  name: 'string',
  avatar: 'string',
  owner_id: 'number',
  email: 'string',
  email_domain: 'string',
  phone: 'string',
  external_id: 'string',
  created_at: 'date',
  signed_up_at: 'date',
  updated_at: 'date',
  last_seen_at: 'date',
  last_contacted_at: 'date',
  last_replied_at: 'date',
  last_email_opened_at: 'date',
  last_email_clicked_at: 'date',
  language_override: 'string',
  browser: 'string',
  browser_language: 'string',
  os: 'string',
  'location.country': 'string',
  'location.region': 'string',
  'location.city': 'string',
  unsubscribed_from_emails: 'boolean',
  marked_email_as_spam: 'boolean',
  has_hard_bounced: 'boolean',
  tag_id: 'string',
};

const CONVERSATION: Readonly<Record<string, FieldType>> = {
  id: 'string',
  created_at: 'date',
  updated_at: 'date',
  waiting_since: 'date',
  snoozed_until: 'date',
  title: 'string',
  open: 'boolean',
  read: 'boolean',
  state: 'string',
  priority: 'string',
  admin_assignee_id: 'number',
  team_assignee_id: 'number',
  contact_ids: 'string',
  'source.type': 'string',
  'source.id': 'string',
  'source.delivered_as': 'string',
  'source.subject': 'string',
  'source.body': 'string',
  'statistics.time_to_admin_reply': 'number',
  'statistics.first_close_at': 'date',
  'statistics.last_close_at': 'date',
  'statistics.count_reopens': 'number',
  'statistics.count_conversation_parts': 'number',
  ai_agent_participated: 'boolean',
};

const TICKET: Readonly<Record<string, FieldType>> = {
  id: 'string',
  ticket_id: 'string',
  category: 'string',
  created_at: 'date',
  updated_at: 'date',
  open: 'boolean',
  snoozed_until: 'date',
  admin_assignee_id: 'string',
  team_assignee_id: 'string',
  state: 'string',
  ticket_type_id: 'string',
  contact_ids: 'string',
  title: 'string',
};

export function contactFieldType(field: string): FieldType | undefined {
  return lookUp(CONTACT, field);
}
export function conversationFieldType(field: string): FieldType | undefined {
  return lookUp(CONVERSATION, field);
}
export function ticketFieldType(field: string): FieldType | undefined {
  return lookUp(TICKET, field);
}

function lookUp(fields: Readonly<Record<string, FieldType>>, field: string): FieldType | undefined {
  return Object.hasOwn(fields, field) ? fields[field] : field.startsWith('custom_attributes.') ? 'string' : undefined;
}
