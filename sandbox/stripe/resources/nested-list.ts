import { boolean, compileShape, type Slot, type Write, written } from '../../http/shape.ts';
import type { StripeObject } from '../resource.ts';

/** Nested lists show so many elements; the rest is behind their own URL. */
export const NESTED_LIMIT = 10;

export interface NestedList {
  object: 'list';
  data: StripeObject[];
  has_more: boolean;
  url: string;
}

/** The list inside the owner at a position: its first `limit` elements, each written from what `facts` knows of it. */
export interface Nesting<E> {
  readonly count: (owner: number) => number;
  readonly facts: (owner: number, place: number) => E;
  readonly element: Write<E>;
  readonly url: Slot<number>;
}

const COMMA = 44;

export function nested<E>({ count, facts, element, url }: Nesting<E>, limit: number): Slot<number> {
  const elements = written((ink, owner: number) => {
    const shown = Math.min(count(owner), limit);
    for (let place = 0; place < shown; place++) {
      if (place > 0) ink.byte(COMMA);
      element(ink, facts(owner, place));
    }
  });
  const list = compileShape<number>({
    object: 'list',
    data: [elements],
    has_more: boolean((owner: number) => count(owner) > limit),
    url,
  });
  return written(list.into);
}

export function cutList(
  list: NestedList,
  show: (element: StripeObject) => StripeObject = (element) => element,
): NestedList {
  return { ...list, data: list.data.slice(0, NESTED_LIMIT).map(show), has_more: list.data.length > NESTED_LIMIT };
}
