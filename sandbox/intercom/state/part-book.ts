import { hash32 } from './hash.ts';
import type { Table } from './table.ts';

/** A conversation shows its newest 500 parts at most. https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/retrieveconversation */
export const SHOWN_PARTS = 500;

export type PartKind = 'user_comment' | 'admin_comment' | 'note' | 'assignment' | 'close' | 'open';

export interface Part {
  readonly number: number;
  readonly kind: PartKind;
  readonly createdAt: number;
  readonly redactedAt?: number | undefined;
}

export interface PartBook {
  count(conversation: number): number;
  part(conversation: number, number: number): Part | undefined;
  /** The newest 500, oldest first. */
  shown(conversation: number): Part[];
  add(conversation: number, kind: PartKind, second: number): Part;
  redact(conversation: number, number: number, second: number): void;
  /** Parts that a complete reader sees over all live conversations. */
  shownTotal(): number;
}

const SALT = 400;
const KINDS: readonly PartKind[] = [
  'user_comment',
  'admin_comment',
  'user_comment',
  'admin_comment',
  'note',
  'assignment',
  'user_comment',
  'close',
];

export function createPartBook(seed: number, conversations: Table): PartBook {
  const initial = conversations.length;
  const endedAt = Uint32Array.from({ length: initial }, (_, i) => conversations.updatedAt(i));
  const added = new Map<number, Part[]>();
  const redacted = new Map<string, number>();

  /** Every 150th conversation is longer than what the provider shows of it. */
  const baseCount = (conversation: number): number => {
    if (conversation >= initial) return 0;
    const hash = hash32(seed, SALT, conversation);
    return conversation % 150 === 7 ? 480 + (hash % 320) : hash % 9;
  };
  const count = (conversation: number): number => baseCount(conversation) + (added.get(conversation)?.length ?? 0);
  const part = (conversation: number, number: number): Part | undefined => {
    const base = baseCount(conversation);
    const redactedAt = redacted.size > 0 ? redacted.get(`${conversation}:${number}`) : undefined;
    if (number >= base) {
      const later = added.get(conversation)?.[number - base];
      return later && redactedAt !== undefined ? { ...later, redactedAt } : later;
    }
    const start = conversations.createdAt(conversation);
    const step = ((endedAt[conversation] ?? start) - start) / base;
    const kind = KINDS[hash32(seed, SALT + 1, conversation * 1021 + number) % KINDS.length] ?? 'note';
    return { number, kind, createdAt: Math.floor(start + step * (number + 1)), redactedAt };
  };

  return {
    count,
    part,
    shown(conversation) {
      const all = count(conversation);
      const parts: Part[] = [];
      for (let number = Math.max(0, all - SHOWN_PARTS); number < all; number += 1) {
        const one = part(conversation, number);
        if (one) parts.push(one);
      }
      return parts;
    },
    add(conversation, kind, second) {
      const later = added.get(conversation) ?? [];
      const one: Part = { number: count(conversation), kind, createdAt: second };
      added.set(conversation, [...later, one]);
      return one;
    },
    redact: (conversation, number, second) => void redacted.set(`${conversation}:${number}`, second),
    shownTotal() {
      let total = 0;
      for (let i = 0; i < conversations.length; i += 1)
        if (conversations.isLive(i)) total += Math.min(SHOWN_PARTS, count(i));
      return total;
    },
  };
}
