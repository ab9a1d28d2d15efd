import type { StripeObject } from '../resource.ts';

/** Nested lists show so many elements; the rest is behind their own URL. */
export const NESTED_LIMIT = 10;

export interface NestedList {
  object: 'list';
  data: StripeObject[];
  has_more: boolean;
  url: string;
}

export function nestedText(elements: readonly string[], total: number, url: string): string {
  return `{"object":"list","data":[${elements.join(',')}],"has_more":${total > elements.length},"url":"${url}"}`;
}

export function cutList(
  list: NestedList,
  show: (element: StripeObject) => StripeObject = (element) => element,
): NestedList {
  return { ...list, data: list.data.slice(0, NESTED_LIMIT).map(show), has_more: list.data.length > NESTED_LIMIT };
}
