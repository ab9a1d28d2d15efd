import { StripeProblem, unknownParameter } from './errors.ts';
import type { Filter } from './resource.ts';

export interface Range {
  /** Inclusive, seconds. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface ListParams {
  readonly limit: number;
  readonly startingAfter: string | undefined;
  readonly endingBefore: string | undefined;
  readonly created: Range | undefined;
  /** Values by filter name; lists joined by commas. */
  readonly values: ReadonlyMap<string, string>;
  readonly ranges: ReadonlyMap<string, Range>;
  readonly expand: readonly string[];
}

/** Reads the parameters of a list and refuses what Stripe refuses. */
export function parseListParams(
  query: URLSearchParams,
  filters: Readonly<Record<string, Filter>>,
  hasCreated: boolean,
): ListParams {
  let limit = 10;
  let startingAfter: string | undefined;
  let endingBefore: string | undefined;
  const expand: string[] = [];
  const values = new Map<string, string>();
  const ranges = new Map<string, Range>();

  for (const [key, value] of query) {
    const bracket = key.indexOf('[');
    const name = bracket < 0 ? key : key.slice(0, bracket);
    const inner = bracket < 0 ? undefined : key.slice(bracket + 1, -1);
    if (name === 'limit') limit = parseLimit(value);
    else if (name === 'starting_after') startingAfter = notEmpty(name, value);
    else if (name === 'ending_before') endingBefore = notEmpty(name, value);
    else if (name === 'expand' && inner !== undefined) expand.push(value);
    else if (name === 'created' && hasCreated) ranges.set(name, narrow(ranges.get(name), name, inner, value));
    else {
      const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
      if (!filter) throw unknownParameter(key);
      if (filter.kind === 'range') ranges.set(name, narrow(ranges.get(name), name, inner, value));
      else if (filter.kind === 'list') values.set(name, values.has(name) ? `${values.get(name)},${value}` : value);
      else if (inner !== undefined && filter.kind !== 'hash')
        throw new StripeProblem(400, `Invalid ${name}: must be a string`, { param: name });
      else if (filter.kind === 'boolean' && value !== 'true' && value !== 'false')
        throw new StripeProblem(400, `Invalid boolean: ${value}`, { param: name });
      else values.set(name, value);
    }
  }
  const created = ranges.get('created');
  ranges.delete('created');
  return { limit, startingAfter, endingBefore, created, values, ranges, expand };
}

function notEmpty(param: string, value: string): string {
  if (value !== '') return value;
  throw new StripeProblem(
    400,
    `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
    { code: 'parameter_invalid_empty', param },
  );
}

function parseLimit(value: string): number {
  const limit = parseInteger(value, 'limit');
  if (limit < 1)
    throw new StripeProblem(400, 'This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'limit',
    });
  if (limit > 100)
    throw new StripeProblem(400, 'This value must be less than or equal to 100.', {
      code: 'parameter_invalid_integer',
      param: 'limit',
    });
  return limit;
}

function parseInteger(value: string, param: string): number {
  if (!/^-?\d{1,15}$/.test(value))
    throw new StripeProblem(400, `Invalid integer: ${value}`, { code: 'parameter_invalid_integer', param });
  return Number(value);
}

function narrow(range: Range | undefined, name: string, bound: string | undefined, value: string): Range {
  const { from, to } = range ?? { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const seconds = parseInteger(value, bound ? `${name}[${bound}]` : name);
  switch (bound) {
    case undefined:
      return { from: seconds, to: seconds + 1 };
    case 'gt':
      return { from: Math.max(from, seconds + 1), to };
    case 'gte':
      return { from: Math.max(from, seconds), to };
    case 'lt':
      return { from, to: Math.min(to, seconds) };
    case 'lte':
      return { from, to: Math.min(to, seconds + 1) };
    default:
      throw unknownParameter(`${name}[${bound}]`);
  }
}
