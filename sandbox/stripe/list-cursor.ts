import { missing, StripeProblem } from './errors.ts';
import type { ListParams } from './list-params.ts';

/** Where a list is to be read from: beside the object at `place`, towards newer ones (`backward`) or older ones. */
export interface ListCursor {
  readonly place: number;
  readonly backward: boolean;
}

/** Looks the cursors up; one that is unknown is refused even beside another, as Stripe does it. */
export function cursorOf(
  params: Pick<ListParams, 'startingAfter' | 'endingBefore'>,
  object: string,
  placeOf: (id: string) => number | undefined,
): ListCursor | undefined {
  const after = look('starting_after', params.startingAfter);
  const before = look('ending_before', params.endingBefore);
  if (after !== undefined && before !== undefined)
    throw new StripeProblem(400, 'Received both starting_after and ending_before parameters. Please pass in only one.');
  if (after !== undefined) return { place: after, backward: false };
  return before === undefined ? undefined : { place: before, backward: true };

  function look(param: string, id: string | undefined): number | undefined {
    if (id === undefined) return undefined;
    const place = placeOf(id);
    if (place === undefined) throw missing(400, object, id, param);
    return place;
  }
}

/** The page of a list that is at hand as a whole, newest first. */
export function pick<T extends { readonly id: string }>(
  all: readonly T[],
  params: Pick<ListParams, 'limit' | 'startingAfter' | 'endingBefore'>,
  object: string,
  fits: (element: T) => boolean = () => true,
): { readonly chosen: T[]; readonly hasMore: boolean } {
  const cursor = cursorOf(params, object, (id) => {
    const place = all.findIndex((element) => element.id === id);
    return place < 0 ? undefined : place;
  });
  const side = !cursor ? all : cursor.backward ? all.slice(0, cursor.place) : all.slice(cursor.place + 1);
  const found = side.filter(fits);
  const chosen = cursor?.backward ? found.slice(-params.limit) : found.slice(0, params.limit);
  return { chosen, hasMore: found.length > chosen.length };
}
