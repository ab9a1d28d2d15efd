import { defineConnector, textAt } from '../../src/kit/index.ts';
import { limits } from './limits.ts';
import { meaning } from './meaning.ts';
import { metadata } from './metadata.ts';
import { page } from './page.ts';
import { admin } from './resources/admin.ts';
import { article } from './resources/article.ts';
import { company } from './resources/company.ts';
import { contact } from './resources/contact.ts';
import { conversation } from './resources/conversation.ts';
import { conversationPart } from './resources/conversation-part.ts';
import { segment } from './resources/segment.ts';
import { tag } from './resources/tag.ts';
import { team } from './resources/team.ts';
import { ticket } from './resources/ticket.ts';
import { settings } from './settings.ts';
import { webhook } from './webhook.ts';

export { intercomOrigins } from './metadata.ts';

/** Intercom: contacts, companies, conversations with their parts, tickets, and what a workspace is made of. */
export const intercom = defineConnector({
  metadata,
  settings,
  resources: {
    company,
    contact,
    admin,
    team,
    tag,
    segment,
    conversation,
    conversation_part: conversationPart,
    ticket,
    article,
  },
  webhook,
  limits,
  headers: ({ apiKey }) => ({ authorization: `Bearer ${apiKey}`, 'intercom-version': metadata.apiVersion }),
  page,
  probe: { path: '/me' },
  // https://developers.intercom.com/docs/references/rest-api/api.intercom.io/admins/identifyadmin
  identity: { request: { path: '/me' }, read: (text) => textAt(text, ['app', 'id_code']) },
  meaning,
});

declare module '../../src/kit/connector.ts' {
  interface Connectors {
    intercom: typeof intercom;
  }
}
