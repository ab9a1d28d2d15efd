import type { Calendar } from './day.ts';
import type { Filter, Query } from './query.ts';

export type Matcher = (index: number) => boolean;
/** Attribute of an object; a list matches when one of its members does. */
export type FieldReader = (index: number, field: string) => unknown;

/** A calendar makes dates compare by whole days; without one they compare by the second. */
export function createMatcher(query: Query, read: FieldReader, calendar: Calendar | undefined): Matcher {
  if (query.kind === 'group') {
    const members = query.members.map((member) => createMatcher(member, read, calendar));
    return query.operator === 'AND'
      ? (index) => members.every((matches) => matches(index))
      : (index) => members.some((matches) => matches(index));
  }
  const test = testOf(query, calendar);
  return (index) => {
    const value = read(index, query.field);
    if (Array.isArray(value)) return negative(query) ? value.every(test) : value.some(test);
    return test(value ?? null);
  };
}

/** Seconds [from, to) that a top-level condition on a date field leaves; anything else leaves all. */
export function boundsOf(query: Query, field: string, calendar: Calendar | undefined): { from: number; to: number } {
  let from = 0;
  let to = Number.POSITIVE_INFINITY;
  const filters = query.kind === 'filter' ? [query] : query.operator === 'AND' ? query.members : [];
  for (const filter of filters) {
    if (filter.kind !== 'filter' || filter.field !== field || typeof filter.value !== 'number') continue;
    const [start, end] = spanOf(filter.value, calendar);
    if (filter.operator === '>' || filter.operator === '=')
      from = Math.max(from, filter.operator === '>' ? end : start);
    if (filter.operator === '<' || filter.operator === '=') to = Math.min(to, filter.operator === '<' ? start : end);
  }
  return { from, to };
}

/** Whether the bounds on this date field say everything that the query says. */
export function isOnlyAbout(query: Query, field: string): boolean {
  const filters = query.kind === 'filter' ? [query] : query.operator === 'AND' ? query.members : [];
  const bounding = (one: Query): boolean =>
    one.kind === 'filter' &&
    one.field === field &&
    typeof one.value === 'number' &&
    ['>', '<', '='].includes(one.operator);
  return filters.length > 0 && filters.every(bounding);
}

function spanOf(second: number, calendar: Calendar | undefined): readonly [number, number] {
  return calendar ? [calendar.startOfDay(second), calendar.startOfNextDay(second)] : [second, second + 1];
}

function testOf(filter: Filter, calendar: Calendar | undefined): (value: unknown) => boolean {
  const { operator, value: wanted, type } = filter;
  const equal = (one: unknown): ((value: unknown) => boolean) => {
    if (type !== 'date' || typeof one !== 'number')
      return (value) => (typeof value === 'number' && type === 'string' ? String(value) : value) === one;
    const [start, end] = spanOf(one, calendar);
    return (value) => typeof value === 'number' && value >= start && value < end;
  };
  switch (operator) {
    case '=':
      return equal(wanted);
    case '!=': {
      const same = equal(wanted);
      return (value) => !same(value);
    }
    case 'IN': {
      const tests = (wanted as unknown[]).map(equal);
      return (value) => tests.some((same) => same(value));
    }
    case 'NIN': {
      const tests = (wanted as unknown[]).map(equal);
      return (value) => !tests.some((same) => same(value));
    }
    case '>':
    case '<': {
      if (typeof wanted !== 'number') return () => false;
      const [start, end] = type === 'date' ? spanOf(wanted, calendar) : [wanted, wanted];
      if (operator === '<') return (value) => typeof value === 'number' && value < start;
      return type === 'date'
        ? (value) => typeof value === 'number' && value >= end
        : (value) => typeof value === 'number' && value > wanted;
    }
    default: {
      const text = String(wanted).toLowerCase();
      return (value) => {
        const own = value === null ? '' : String(value).toLowerCase();
        if (operator === '^') return own.startsWith(text);
        if (operator === '$') return own.endsWith(text);
        return own.includes(text) === (operator === '~');
      };
    }
  }
}

function negative(filter: Filter): boolean {
  return filter.operator === '!=' || filter.operator === 'NIN' || filter.operator === '!~';
}
