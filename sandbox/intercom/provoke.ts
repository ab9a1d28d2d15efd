import type { SandboxDelivery } from '../http/provider.ts';
import {
  archiveContact,
  createContact,
  deleteContact,
  mergeContacts,
  tagContact,
  unarchiveContact,
  updateContact,
} from './change-contact.ts';
import { addPart, createConversation, deleteConversation, partNumberOf, redactPart } from './change-conversation.ts';
import {
  createCompany,
  createTicket,
  deleteArticle,
  deleteCompany,
  moveTicket,
  updateArticle,
  updateCompany,
} from './change-rest.ts';
import type { Notice, Notifier } from './notification.ts';
import type { IdScheme } from './state/ids.ts';
import type { PartKind } from './state/part-book.ts';
import { type Attributes, DELETED, type Table } from './state/table.ts';
import type { World } from './state/world.ts';

export interface Created {
  readonly id: string;
  readonly deliveries: readonly SandboxDelivery[];
}
type Deliveries = readonly SandboxDelivery[];

/** Single changes on request, by id. What they cause to be delivered is returned, not sent. */
export interface Provoke {
  createContact(attributes?: Attributes & { readonly company_id?: string }): Created;
  updateContact(id: string, attributes?: Attributes): Deliveries;
  tagContact(id: string, tagId: string): Deliveries;
  archiveContact(id: string): Deliveries;
  unarchiveContact(id: string): Deliveries;
  deleteContact(id: string): Deliveries;
  mergeContacts(leadId: string, userId: string): Deliveries;
  createCompany(attributes?: Attributes): Created;
  updateCompany(id: string, attributes?: Attributes): Deliveries;
  deleteCompany(id: string): Deliveries;
  createConversation(contactId?: string): Created;
  /** Adds a part, which makes the conversation the first of the list. */
  addPart(conversationId: string, kind?: PartKind): Deliveries;
  redactPart(conversationId: string, partId: string): Deliveries;
  deleteConversation(id: string): Deliveries;
  createTicket(title?: string): Created;
  moveTicket(id: string): Deliveries;
  updateArticle(id: string, title: string): void;
  deleteArticle(id: string): void;
  ping(): SandboxDelivery;
  /** A notification of any topic, such as one that nobody has heard of yet. */
  notify(topic: string, item: unknown): SandboxDelivery;
}

export function createProvoke(world: () => World, notifier: () => Notifier, minorVersion: number): Provoke {
  const send = (notices: readonly Notice[]): Deliveries => notifier().deliveries(notices);
  const notify = (topic: string, item: unknown): SandboxDelivery => {
    const [delivery] = send([{ topic, item }]);
    if (!delivery) throw new Error('a notice makes one delivery');
    return delivery;
  };
  const contact = (id: string): number => existing(world().contacts, world().ids.contact, id);
  const company = (id: string): number => existing(world().companies, world().ids.company, id);
  const conversation = (id: string): number => existing(world().conversations, world().ids.conversation, id);
  const ticket = (id: string): number => existing(world().tickets, world().ids.ticket, id);
  const article = (id: string): number => existing(world().articles, world().ids.article, id);

  return {
    createContact({ company_id, ...attributes } = {}) {
      const made = createContact(world(), {
        ...attributes,
        ...(company_id !== undefined && { company: company(company_id) }),
      });
      return { id: world().ids.contact.of(made.contact), deliveries: send(made.notices) };
    },
    updateContact: (id, attributes = {}) => send(updateContact(world(), contact(id), attributes)),
    tagContact(id, tagId) {
      const tag = world().ids.tag.indexOf(tagId);
      if (tag === undefined || tag >= world().size.tags) throw new Error(`There is no tag ${tagId}`);
      return send(tagContact(world(), contact(id), tag));
    },
    archiveContact: (id) => send(archiveContact(world(), contact(id))),
    unarchiveContact: (id) => send(unarchiveContact(world(), contact(id))),
    deleteContact: (id) => send(deleteContact(world(), contact(id))),
    mergeContacts: (leadId, userId) => send(mergeContacts(world(), contact(leadId), contact(userId))),
    createCompany(attributes = {}) {
      const made = createCompany(world(), attributes);
      return { id: world().ids.company.of(made.company), deliveries: send(made.notices) };
    },
    updateCompany: (id, attributes = {}) => send(updateCompany(world(), company(id), attributes)),
    deleteCompany: (id) => send(deleteCompany(world(), company(id))),
    createConversation(contactId) {
      const made = createConversation(world(), contactId === undefined ? undefined : contact(contactId));
      return { id: world().ids.conversation.of(made.conversation), deliveries: send(made.notices) };
    },
    addPart: (id, kind = 'user_comment') => send(addPart(world(), conversation(id), kind)),
    redactPart(id, partId) {
      const number = partNumberOf(conversation(id), partId);
      if (number === undefined || number >= world().parts.count(conversation(id)))
        throw new Error(`Conversation ${id} has no part ${partId}`);
      return send(redactPart(world(), conversation(id), number));
    },
    deleteConversation: (id) => send(deleteConversation(world(), conversation(id))),
    createTicket(title = 'A new ticket') {
      const made = createTicket(world(), title, minorVersion);
      return { id: world().ids.ticket.of(made.ticket), deliveries: send(made.notices) };
    },
    moveTicket: (id) => send(moveTicket(world(), ticket(id), minorVersion)),
    updateArticle: (id, title) => void updateArticle(world(), article(id), title),
    deleteArticle: (id) => void deleteArticle(world(), article(id)),
    ping: () => notify('ping', { type: 'ping', message: 'This is a test notification.' }),
    notify,
  };
}

function existing(table: Table, ids: IdScheme, id: string): number {
  const index = ids.indexOf(id);
  if (index === undefined || index >= table.length || table.state(index) === DELETED)
    throw new Error(`There is no object ${id}`);
  return index;
}
