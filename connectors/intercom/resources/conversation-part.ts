import { intercomResource, seconds } from '../resource.ts';

/**
 * Comes with its conversation only.
 *
 * https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/conversations/conversation_part
 */
export const conversationPart = intercomResource({
  name: 'conversation_part',
  created: seconds('created_at'),
  version: seconds('updated_at'),
  incremental: { by: 'full' },
  docs: 'https://developers.intercom.com/docs/references/2.14/rest-api/api.intercom.io/conversations/conversation_part',
});
