import type { AcmeAccount } from '../support/acme-account.ts';

/** One moment in the life of an object: how it looked, or that it was gone. */
type Moment = string | null;

/**
 * Writes down every state that every object was ever in. What the feed says about an object must be a part of that, in
 * the same order: then nothing was invented, went backwards, was deleted falsely or rose again.
 */
export function createChronicle(account: AcmeAccount, kinds: readonly string[]) {
  const lives = new Map<string, Moment[]>();

  return {
    /** To be told after every change of the account. */
    record(): void {
      for (const kind of kinds) {
        const now = account.truth(kind);
        for (const [id, object] of now) {
          const life = lives.get(`${kind} ${id}`) ?? [];
          lives.set(`${kind} ${id}`, life);
          const state = canonical(object);
          if (life.at(-1) !== state) life.push(state);
        }
        for (const [key, life] of lives) {
          if (!key.startsWith(`${kind} `) || life.at(-1) === null) continue;
          if (!now.has(key.slice(kind.length + 1))) life.push(null);
        }
      }
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
