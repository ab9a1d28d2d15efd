import type { Ink } from '../../http/ink.ts';
import { boolean, compileShape, json, number, oneOf, plain, spelled, text, written } from '../../http/shape.ts';
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
/** A retrieved ticket shows its newest parts, as many as these. */
const SHOWN_PARTS = 500;

/** What is known of a ticket before it is written. */
interface TicketFacts {
  readonly world: World;
  readonly index: number;
  readonly created: number;
  readonly updated: number;
  /** Position in TICKET_STATES. */
  readonly state: number;
  readonly parts: number;
}

interface PartFacts {
  readonly ticket: TicketFacts;
  /** From zero, the oldest. */
  readonly number: number;
  readonly last: boolean;
  readonly at: number;
  readonly adminId: string;
}

const hashOf = (f: TicketFacts, salt: number): number => hash32(f.world.seed, SALT.ticket + salt, f.index);
const stateOf = (f: TicketFacts): number => f.state;
const paragraphs = SENTENCES.map((sentence) => `<p>${sentence}</p>`);

const part = compileShape<PartFacts>({
  type: 'ticket_part',
  id: spelled(number((f: PartFacts) => 60_000_000_000 + f.ticket.index * 100_000 + f.number)),
  part_type: plain((f: PartFacts) => (f.last ? 'ticket_state_updated_by_admin' : 'comment')),
  body: oneOf([null, ...paragraphs], (f: PartFacts) =>
    f.last ? 0 : 1 + ((f.ticket.index + f.number) % paragraphs.length),
  ),
  ticket_state: oneOf(TICKET_STATES, (f: PartFacts) => (f.last ? f.ticket.state : 0)),
  previous_ticket_state: 'submitted',
  created_at: number((f: PartFacts) => f.at),
  updated_at: number((f: PartFacts) => f.at),
  author: {
    type: 'admin',
    id: spelled(text((f: PartFacts) => f.adminId)),
    name: 'Agent 1',
    email: 'agent1@workspace.example',
  },
  attachments: [],
  redacted: false,
});

const labelled = (which: 0 | 1) =>
  oneOf(
    TICKET_STATES.map((state) => LABELS[state][which]),
    stateOf,
  );
const category = oneOf(TICKET_STATES, stateOf);

/** Until 2.11 the state is a text with two labels beside it, from 2.12 on it is an object. */
const asTexts = shapeWith({
  ticket_state: category,
  ticket_state_internal_label: labelled(0),
  ticket_state_external_label: labelled(1),
});
const asObject = shapeWith({
  ticket_state: {
    type: 'ticket_state',
    id: spelled(number((f: TicketFacts) => 7_000 + f.state)),
    category,
    internal_label: labelled(0),
    external_label: labelled(1),
  },
});

/** https://developers.intercom.com/docs/references/rest-api/api.intercom.io/tickets/ticket */
function shapeWith(state: object) {
  return compileShape<TicketFacts>({
    type: 'ticket',
    id: spelled(text((f: TicketFacts) => f.world.ids.ticket.of(f.index))),
    ticket_id: spelled(number((f: TicketFacts) => f.index + 1)),
    category: plain((f: TicketFacts) => (hashOf(f, 23) % 5 === 0 ? 'Back-office' : 'Customer')),
    ticket_attributes: {
      _default_title_: json(titleOf),
      _default_description_: oneOf(SENTENCES, (f: TicketFacts) => hashOf(f, 24)),
    },
    ...state,
    ticket_type: {
      type: 'ticket_type',
      id: spelled(number((f: TicketFacts) => 1_230 + (hashOf(f, 25) % 2))),
      name: plain((f: TicketFacts) => (hashOf(f, 25) % 2 === 0 ? 'Bug' : 'Request')),
      description: '',
      icon: oneOf(['🎟️'], () => 0),
      workspace_id: plain((f: TicketFacts) => f.world.appId),
      archived: false,
      category: 'Customer',
      is_internal: false,
    },
    contacts: {
      type: 'contact.list',
      contacts: written((ink, { world, index }: TicketFacts) => {
        const contact = hash32(world.seed, SALT.ticket + 21, index) % world.size.contacts;
        ink.utf8(world.size.contacts === 0 ? '[]' : JSON.stringify([contactReferenceOf(world, contact)]));
      }),
    },
    admin_assignee_id: json((f: TicketFacts) =>
      f.world.size.admins > 0 ? f.world.ids.admin.of(hashOf(f, 26) % f.world.size.admins) : null,
    ),
    team_assignee_id: '0',
    created_at: number((f: TicketFacts) => f.created),
    updated_at: number((f: TicketFacts) => f.updated),
    open: boolean((f: TicketFacts) => TICKET_STATES[f.state] !== 'resolved'),
    snoozed_until: null,
    linked_objects: { type: 'list', data: [], total_count: 0, has_more: false },
    ticket_parts: {
      type: 'ticket_part.list',
      ticket_parts: written(writeParts),
      total_count: number((f: TicketFacts) => f.parts),
    },
    is_shared: true,
  });
}

function titleOf(f: TicketFacts): string {
  const own = f.world.tickets.changes(f.index)['title'];
  return typeof own === 'string' ? own : `${pick(SUBJECTS, hashOf(f, 22))} ${f.index + 1}`;
}

function writeParts(ink: Ink, ticket: TicketFacts): void {
  const { world, created, updated, parts: count } = ticket;
  const adminId = world.ids.admin.of(0);
  ink.ascii('[');
  for (let n = Math.max(0, count - SHOWN_PARTS); n < count; n++) {
    if (n > Math.max(0, count - SHOWN_PARTS)) ink.ascii(',');
    const last = n === count - 1;
    const at = last ? updated : Math.floor(created + ((updated - created) * (n + 1)) / (count + 1));
    part.into(ink, { ticket, number: n, last, at, adminId });
  }
  ink.ascii(']');
}

function factsOf(world: World, index: number): TicketFacts {
  const { tickets } = world;
  const { moves } = tickets.changes(index);
  return {
    world,
    index,
    created: tickets.createdAt(index),
    updated: tickets.updatedAt(index),
    state: ticketStateOf(world, index),
    parts: 1 + (hash32(world.seed, SALT.ticket + 30, index) % 3) + (typeof moves === 'number' ? moves : 0),
  };
}

const shapeOf = (minorVersion: number) => (minorVersion >= 12 ? asObject : asTexts);

/** Writes the ticket as JSON: what `ticketOf` says. */
export function writeTicket(world: World, ink: Ink, index: number, minorVersion: number): void {
  shapeOf(minorVersion).into(ink, factsOf(world, index));
}

export function ticketOf(world: World, index: number, minorVersion: number): Record<string, unknown> {
  return JSON.parse(shapeOf(minorVersion)(factsOf(world, index))) as Record<string, unknown>;
}

/** Position in TICKET_STATES. */
export function ticketStateOf(world: World, index: number): number {
  const own = world.tickets.changes(index)['state'];
  return typeof own === 'number' ? own : hash32(world.seed, SALT.ticket + 20, index) % TICKET_STATES.length;
}
