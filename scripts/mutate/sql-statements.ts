import { readTokens, type Token } from './sql-tokens.ts';

/** A statement that makes something which can be made again over it. */
export interface SqlObject {
  readonly kind: 'function' | 'view';
  /** Without the schema. */
  readonly name: string;
  /** In the file. */
  readonly start: number;
  readonly text: string;
  /** Of the body, with places in the file. */
  readonly body: readonly Token[];
}

/** Functions and views of a migration; a function that is dropped and created is one too. */
export function readObjects(sql: string): SqlObject[] {
  return divide(readTokens(sql)).flatMap((statement) => {
    const words = statement.slice(0, 8).map(({ text }) => text);
    const [create, ...rest] = words;
    if (create !== 'create') return [];
    const [kind, schema, , name] = rest[0] === 'or' ? rest.slice(2) : rest;
    if (schema !== 'supasaasy' || name === undefined) return [];
    if (kind !== 'function' && kind !== 'view') return [];
    const [first, last] = [statement[0], statement.at(-1)];
    if (first === undefined || last === undefined) return [];
    const text = sql.slice(first.start, last.end);
    return [{ kind, name, start: first.start, text, body: bodyOf(kind, statement) }];
  });
}

/** At semicolons outside of dollar quotes, parentheses and `begin atomic`. */
function divide(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [[]];
  let quote: string | undefined;
  for (const token of tokens) {
    // Within one, another one is a text of dynamic SQL.
    if (token.kind === 'dollar' && (quote === undefined || quote === token.text))
      quote = quote === undefined ? token.text : undefined;
    if (token.text === ';' && quote === undefined && token.depth === 0) statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter(({ length }) => length > 0);
}

/** The header names types and defaults: only what comes after it is code. */
function bodyOf(kind: string, statement: readonly Token[]): readonly Token[] {
  const opened = statement.findIndex(({ kind: token }) => token === 'dollar');
  if (opened >= 0) return statement.slice(opened + 1, -1);
  const begun = statement.findIndex(({ text, depth }) => depth === 0 && text === (kind === 'view' ? 'as' : 'return'));
  return begun < 0 ? [] : statement.slice(begun + 1);
}
