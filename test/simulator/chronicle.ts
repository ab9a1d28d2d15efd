import type { AcmeAccount, AcmeObject } from '../support/acme-account.ts';

/** One moment in the life of an object: how it looked, or that it was gone. */
type Moment = string | null;

/**
 * Writes down every state that every object was ever in. What the feed says about an object must be a part of that, in
 * the same order: then nothing was invented, went backwards, was deleted falsely or rose again. Asked while the story
 * goes on, it knows no future: what is told too early never was.
 */
export function createChronicle(account: AcmeAccount) {
  const lives = new Map<string, Moment[]>();
  /** Every part that a thing ever had. */
  const partsOf = new Map<string, Set<string>>();

  function live(kind: string, id: string, object: AcmeObject | undefined): void {
    const key = `${kind} ${id}`;
    const life = lives.get(key) ?? [];
    lives.set(key, life);
    const state = object === undefined ? null : canonical(object);
    if (life.at(-1) !== state) life.push(state);
  }

  return {
    /** To be told after every change of a thing or a note. */
    record(kind: string, id: string): void {
      live(kind, id, account.see(kind, id));
      if (kind !== 'thing') return;
      const parts = new Map(account.nested('parts', id)?.map((part) => [part.id, part]));
      const ever = partsOf.get(id) ?? new Set();
      partsOf.set(id, ever);
      for (const part of parts.keys()) ever.add(part);
      for (const part of ever) live('part', part, parts.get(part));
    },
    /** Why these states cannot have followed each other; undefined when they can. */
    contradiction(kind: string, id: string, told: readonly (object | null)[]): string | undefined {
      const life = lives.get(`${kind} ${id}`) ?? [];
      let at = 0;
      for (const [n, state] of told.entries()) {
        const wanted = state === null ? null : canonical(state);
        const found = life.indexOf(wanted, at);
        if (found < 0) {
          const ever = life.includes(wanted) ? 'is out of order' : 'never was';
          return `${kind} ${id}: entry ${n + 1} of ${told.length} (${wanted ?? 'deleted'}) ${ever}\n  told:  ${told.map((s) => (s === null ? 'deleted' : canonical(s))).join('\n         ')}\n  lived: ${life.map((s) => s ?? 'deleted').join('\n         ')}`;
        }
        at = found + 1;
      }
      return undefined;
    },
  };
}

export type Chronicle = ReturnType<typeof createChronicle>;

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
