import { HttpError } from '../http-error.ts';
import { isObject } from '../shape/contact.ts';

export type FieldType = 'date' | 'string' | 'number' | 'boolean';
export type Operator = '=' | '!=' | '>' | '<' | 'IN' | 'NIN' | '~' | '!~' | '^' | '$';

export interface Filter {
  readonly kind: 'filter';
  readonly field: string;
  readonly type: FieldType;
  readonly operator: Operator;
  readonly value: unknown;
}
export interface Group {
  readonly kind: 'group';
  readonly operator: 'AND' | 'OR';
  readonly members: readonly Query[];
}
export type Query = Filter | Group;

const OPERATORS: Readonly<Record<FieldType, readonly Operator[]>> = {
  date: ['=', '!=', '>', '<', 'IN', 'NIN'],
  number: ['=', '!=', '>', '<', 'IN', 'NIN'],
  string: ['=', '!=', 'IN', 'NIN', '~', '!~', '^', '$'],
  boolean: ['=', '!='],
};
const MAX_MEMBERS = 15;
const MAX_DEPTH = 3;

/** Reads the `query` of a search; refuses in the provider's words what it would refuse. */
export function parseQuery(value: unknown, fieldType: (field: string) => FieldType | undefined, depth = 1): Query {
  if (!isObject(value)) throw new HttpError(400, 'parameter_not_found', 'query is required');
  const { operator, field } = value;
  if (field === undefined) return parseGroup(operator, value['value'], fieldType, depth);
  if (typeof field !== 'string') throw new HttpError(400, 'invalid_field', 'field must be a string');
  const type = fieldType(field);
  if (type === undefined) throw new HttpError(400, 'invalid_field', `'${field}' is not a valid field`);
  const known = OPERATORS[type].find((one) => one === operator);
  if (!known) throw new HttpError(400, 'invalid_operator', `${field} does not support operator: ${String(operator)}`);
  return { kind: 'filter', field, type, operator: known, value: parseValue(field, type, known, value['value']) };
}

function parseGroup(
  operator: unknown,
  members: unknown,
  fieldType: (field: string) => FieldType | undefined,
  depth: number,
): Group {
  if (operator !== 'AND' && operator !== 'OR')
    throw new HttpError(400, 'invalid_operator', 'Composite operators must be of type AND or OR');
  if (!Array.isArray(members))
    throw new HttpError(400, 'invalid_value', 'The value of a composite query must be an array');
  if (members.length > MAX_MEMBERS)
    throw new HttpError(
      400,
      'invalid_value',
      `Number of elements in composite query is greater than ${MAX_MEMBERS}, please try again with a smaller list`,
    );
  if (depth >= MAX_DEPTH) throw new HttpError(400, 'invalid_value', 'Queries can be nested two levels deep at most');
  return { kind: 'group', operator, members: members.map((member) => parseQuery(member, fieldType, depth + 1)) };
}

function parseValue(field: string, type: FieldType, operator: Operator, value: unknown): unknown {
  if (operator === 'IN' || operator === 'NIN') {
    if (!Array.isArray(value)) throw new HttpError(400, 'invalid_value', `${field}: ${operator} needs an array`);
    return value.map((one) => parseOne(field, type, one));
  }
  return parseOne(field, type, value);
}

function parseOne(field: string, type: FieldType, value: unknown): unknown {
  if (value === null) return null;
  if (type === 'date' || type === 'number') {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
  } else if (type === 'boolean') {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
  } else if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new HttpError(400, 'invalid_value', `${field} does not accept the value ${JSON.stringify(value)}`);
}
