import { HttpError } from '../http-error.ts';

/** Place after which a page begins: the sort value and index of the last object seen, and the number of the next page. */
export interface Cursor {
  readonly second: number;
  readonly index: number;
  readonly page: number;
}

export function formatCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify([cursor.second * 1000, cursor.index, cursor.page])).toString('base64');
}

export function parseCursor(text: string): Cursor {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    if (Array.isArray(value) && value.length === 3 && value.every((part) => Number.isSafeInteger(part))) {
      const [ms, index, page] = value as [number, number, number];
      return { second: ms / 1000, index, page };
    }
  } catch {
    // Falls through to the refusal: anything unreadable is refused alike.
  }
  throw new HttpError(400, 'parameter_invalid', 'starting_after is not a valid cursor');
}

export interface PageSize {
  readonly fallback: number;
  readonly max: number;
}

export function parsePerPage(value: unknown, size: PageSize): number {
  if (value === null || value === undefined || value === '') return size.fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > size.max) {
    throw new HttpError(400, 'parameter_invalid', `per_page must be a number between 1 and ${size.max}`);
  }
  return number;
}

export function pagesOf(
  page: number,
  perPage: number,
  total: number,
  next: Cursor | undefined,
): Record<string, unknown> {
  return {
    type: 'pages',
    ...(next && { next: { page: next.page, starting_after: formatCursor(next) } }),
    page,
    per_page: perPage,
    total_pages: Math.ceil(total / perPage),
  };
}
