import { createIntercomSandbox } from '../../../sandbox/intercom/intercom-sandbox.ts';

const size = {
  contacts: 40,
  companies: 12,
  conversations: 8,
  tickets: 12,
  articles: 8,
  admins: 3,
  teams: 2,
  tags: 4,
  segments: 2,
};

/** A small workspace. */
export function openIntercom(nowMs: () => number) {
  const sandbox = createIntercomSandbox({ seed: 4, nowMs, size });
  const { handle } = sandbox;
  // An abandoned scroll ends after a minute, which a test does not wait for.
  sandbox.handle = (request) => {
    const answer = handle(request);
    if (typeof answer.body === 'string' && answer.body.includes('scroll_exists')) sandbox.expireScroll();
    return answer;
  };
  return { sandbox, apiKey: sandbox.accessToken, webhookSecret: sandbox.clientSecret };
}

/** Without what lists do not show, and without what is a collection of its own. */
export function asListed(resource: string, object: Record<string, unknown>): unknown {
  const { statistics, conversation_parts: _parts, ...rest } = object;
  return resource === 'article' ? rest : { ...rest, statistics };
}

export function notification(topic: string, item: Record<string, unknown>): string {
  return JSON.stringify({
    type: 'notification_event',
    id: 'notif_1',
    topic,
    app_id: 'x',
    created_at: 1_800_000_000,
    data: { item },
  });
}
