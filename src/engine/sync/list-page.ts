import type { Position, Resource } from '../../kit/resource.ts';
import type { App } from '../app.ts';
import type { PageCheck, PageContext } from '../store.ts';

type List = NonNullable<Resource['list'] | Resource['perParent']>;

/** What the database must know of a list to judge the end of one of its pages (`supasaasy.next_position`). */
export function listPage(
  app: App,
  resource: Resource,
  list: List,
  at: Omit<Position, 'limit'>,
  size: number,
): Pick<PageContext, 'next' | 'asked' | 'sized' | 'total' | 'short'> {
  const total = 'total' in list && list.total?.request === undefined ? list.total?.path : undefined;
  return {
    next: list.next,
    asked: size,
    ...(list.next.style === 'none' && isSized(app, resource, at) ? { sized: true } : {}),
    ...(total === undefined ? {} : { total }),
    ...(list.shortPages === undefined ? {} : { short: true }),
  };
}

/** The size of the next page: one less where the same page is asked for once more, to show a position. */
export function sizeOf(size: number, check: PageCheck | undefined): number {
  return check === 'shorter' ? Math.max(1, size - 1) : size;
}

/** Whether the request of a list names the number of records that it asks for. */
function isSized(app: App, resource: Resource, at: Omit<Position, 'limit'>): boolean {
  const asked = (limit: number) => JSON.stringify(app.config.connector.page(resource, { ...at, limit }));
  return asked(7) !== asked(8);
}
