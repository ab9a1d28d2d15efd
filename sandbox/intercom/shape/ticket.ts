import { hash32 } from '../state/hash.ts';
import { SENTENCES, SUBJECTS } from '../state/words.ts';
import { pick, SALT, type World } from '../state/world.ts';
import { contactReferenceOf } from './contact.ts';

export const TICKET_STATES = ['submitted', 'in_progress', 'waiting_on_customer', 'resolved'] as const;
const LABELS = {
  submitted: ['New', 'Submitted'],
  in_progress: ['Working on it', 'In progress'],
  waiting_on_customer: ['Asked back', 'Waiting on you'],
  resolved: ['Done', 'Resolved'],
} as const;

/**
 * https://developers.intercom.com/docs/references/rest-api/api.intercom.io/tickets/ticket
 * Until 2.11 the state is a text with two labels beside it, from 2.12 on it is an object.
 */
export function ticketOf(world: World, index: number, minorVersion: number): Record<string, unknown> {
  const { tickets } = world;
  const h = (salt: number): number => hash32(world.seed, SALT.ticket + salt, index);
  const created = tickets.createdAt(index);
  const updated = tickets.updatedAt(index);
  const changes = tickets.changes(index);
  const state = ticketStateOf(world, index);
  const category = TICKET_STATES[state] ?? 'submitted';
  const [internal, external] = LABELS[category];
  const contact = world.size.contacts > 0 ? [contactReferenceOf(world, h(21) % world.size.contacts)] : [];
  const title = typeof changes['title'] === 'string' ? changes['title'] : `${pick(SUBJECTS, h(22))} ${index + 1}`;
  return {
    type: 'ticket',
    id: world.ids.ticket.of(index),
    ticket_id: String(index + 1),
    category: h(23) % 5 === 0 ? 'Back-office' : 'Customer',
    ticket_attributes: { _default_title_: title, _default_description_: pick(SENTENCES, h(24)) },
    ...(minorVersion >= 12
      ? {
          ticket_state: {
            type: 'ticket_state',
            id: String(7_000 + state),
            category,
            internal_label: internal,
            external_label: external,
          },
        }
      : { ticket_state: category, ticket_state_internal_label: internal, ticket_state_external_label: external }),
    ticket_type: {
      type: 'ticket_type',
      id: String(1_230 + (h(25) % 2)),
      name: h(25) % 2 === 0 ? 'Bug' : 'Request',
      description: '',
      icon: '🎟️',
      workspace_id: world.appId,
      archived: false,
      category: 'Customer',
      is_internal: false,
    },
    contacts: { type: 'contact.list', contacts: contact },
    admin_assignee_id: world.size.admins > 0 ? world.ids.admin.of(h(26) % world.size.admins) : null,
    team_assignee_id: '0',
    created_at: created,
    updated_at: updated,
    open: category !== 'resolved',
    snoozed_until: null,
    linked_objects: { type: 'list', data: [], total_count: 0, has_more: false },
    ticket_parts: partsOf(world, index, created, updated, category),
    is_shared: true,
  };
}

/** Position in TICKET_STATES. */
export function ticketStateOf(world: World, index: number): number {
  const own = world.tickets.changes(index)['state'];
  return typeof own === 'number' ? own : hash32(world.seed, SALT.ticket + 20, index) % TICKET_STATES.length;
}

function partsOf(
  world: World,
  index: number,
  created: number,
  updated: number,
  category: string,
): Record<string, unknown> {
  const moves = world.tickets.changes(index)['moves'];
  const count = 1 + (hash32(world.seed, SALT.ticket + 30, index) % 3) + (typeof moves === 'number' ? moves : 0);
  const shown = Math.min(count, 500);
  const parts = Array.from({ length: shown }, (_, i) => {
    const number = count - shown + i;
    const last = number === count - 1;
    const at = last ? updated : Math.floor(created + ((updated - created) * (number + 1)) / (count + 1));
    return {
      type: 'ticket_part',
      id: String(60_000_000_000 + index * 100_000 + number),
      part_type: last ? 'ticket_state_updated_by_admin' : 'comment',
      body: last ? null : `<p>${pick(SENTENCES, index + number)}</p>`,
      ticket_state: last ? category : 'submitted',
      previous_ticket_state: 'submitted',
      created_at: at,
      updated_at: at,
      author: { type: 'admin', id: world.ids.admin.of(0), name: 'Agent 1', email: 'agent1@workspace.example' },
      attachments: [],
      redacted: false,
    };
  });
  return { type: 'ticket_part.list', ticket_parts: parts, total_count: count };
}
