/** How many objects of each resource the workspace holds at the start. */
export interface IntercomSize {
  readonly contacts: number;
  readonly companies: number;
  readonly conversations: number;
  readonly tickets: number;
  readonly articles: number;
  readonly admins: number;
  readonly teams: number;
  readonly tags: number;
  readonly segments: number;
}

/** About 9,000 objects in all, most of them contacts and conversation parts. */
export const DEMO_SIZE: IntercomSize = {
  contacts: 2_400,
  companies: 320,
  conversations: 700,
  tickets: 180,
  articles: 90,
  admins: 12,
  teams: 4,
  tags: 24,
  segments: 9,
};

/** A number means that many contacts, with everything else in the demo's proportions. */
export function parseSize(size: number | Partial<IntercomSize> | undefined): IntercomSize {
  if (typeof size !== 'number') return { ...DEMO_SIZE, ...size };
  const factor = size / DEMO_SIZE.contacts;
  const scaled = (count: number): number => Math.max(1, Math.round(count * factor));
  return {
    ...DEMO_SIZE,
    contacts: Math.max(0, Math.floor(size)),
    companies: scaled(DEMO_SIZE.companies),
    conversations: scaled(DEMO_SIZE.conversations),
    tickets: scaled(DEMO_SIZE.tickets),
    articles: scaled(DEMO_SIZE.articles),
  };
}
