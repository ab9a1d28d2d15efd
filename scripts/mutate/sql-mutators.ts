import type { Token } from './sql-tokens.ts';

/** What stands from `start` to `end` becomes `replacement`. */
export interface Edit {
  readonly mutator: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

type Tokens = readonly Token[];
type Mutator = (tokens: Tokens, at: number) => readonly Edit[];

const over = (mutator: string, token: Token, replacement: string): Edit => ({
  mutator,
  ...placeOf(token),
  replacement,
});
const placeOf = ({ start, end }: Token) => ({ start, end });
const span = (mutator: string, from: Token, to: Token, replacement: string): Edit => ({
  mutator,
  start: from.start,
  end: to.end,
  replacement,
});

const SWAPS: Readonly<Record<string, readonly [mutator: string, ...replacements: string[]]>> = {
  '<': ['boundary', '<=', '>='],
  '<=': ['boundary', '<', '>'],
  '>': ['boundary', '>=', '<='],
  '>=': ['boundary', '>', '<'],
  '=': ['comparison', '<>'],
  '<>': ['comparison', '='],
  '+': ['arithmetic', '-'],
  '*': ['arithmetic', '/'],
  '@>': ['comparison', '<@'],
  and: ['connective', 'or'],
  or: ['connective', 'and'],
  true: ['constant', 'false'],
  false: ['constant', 'true'],
  greatest: ['extreme', 'least'],
  least: ['extreme', 'greatest'],
  min: ['extreme', 'max'],
  max: ['extreme', 'min'],
  bool_and: ['extreme', 'bool_or'],
  bool_or: ['extreme', 'bool_and'],
  distinct: ['distinct', ''],
  desc: ['order', ''],
};

/** One token becomes another one. */
const swap: Mutator = (tokens, at) => {
  const token = tokens[at];
  if (token === undefined || token.kind === 'text' || token.kind === 'quoted') return [];
  const [mutator, ...replacements] = Object.hasOwn(SWAPS, token.text) ? (SWAPS[token.text] ?? []) : [];
  if (mutator === undefined || replacements === undefined) return [];
  const [before, after] = [tokens[at - 1]?.text, tokens[at + 1]?.text];
  if (token.text === '*' && (before === '(' || before === '.' || before === 'select' || before === ',')) return [];
  if (token.text === 'distinct' && (before === 'is' || before === 'not' || after === 'on')) return [];
  if (token.text === 'and' && betweens(tokens, at)) return [];
  if ((token.text === 'min' || token.text === 'max' || mutator === 'extreme') && after !== '(') return [];
  // Two moments are never the same microsecond: that a bound belongs to it changes nothing.
  const clocks = [tokens[at - 1], tokens[at - 3], tokens[at + 1]].some((near) =>
    /^clock(_timestamp)?$/.test(near?.text ?? ''),
  );
  return replacements
    .slice(mutator === 'boundary' && clocks ? 1 : 0)
    .map((replacement) => over(mutator, token, replacement));
};

/** A small number becomes the next one, a large one (a unit, a limit) twice as large. */
const number: Mutator = (tokens, at) => {
  const token = tokens[at];
  if (token?.kind !== 'number') return [];
  const value = Number(token.text);
  const large = token.text.includes('.') || value >= 100;
  return [over('number', token, large ? `(${token.text} * 2)` : String(value + 1))];
};

const minus: Mutator = (tokens, at) => {
  const token = tokens[at];
  if (token?.text !== '-') return [];
  const before = tokens[at - 1];
  const binary =
    before !== undefined &&
    !BEFORE_OPERAND.has(before.text) &&
    (/^(word|number|quoted|text)$/.test(before.kind) || /^[)\]]$/.test(before.text));
  return binary ? [over('arithmetic', token, '+')] : [];
};

/** `is null`, `not`, `is distinct from`. */
const negation: Mutator = (tokens, at) => {
  const [token, next, third] = [tokens[at], tokens[at + 1], tokens[at + 2]];
  if (token?.text === 'is' && next?.text === 'null') return [span('negation', token, next, 'is not null')];
  if (token?.text === 'is' && next?.text === 'not' && third?.text === 'null')
    return [span('negation', token, third, 'is null')];
  if (token?.text === 'is' && next?.text === 'distinct') return [span('negation', token, next, 'is not distinct')];
  if (token?.text === 'is' && next?.text === 'not' && third?.text === 'distinct')
    return [span('negation', token, third, 'is distinct')];
  if (token?.text === 'not' && tokens[at - 1]?.text !== 'is' && next?.text !== 'null')
    return [over('negation', token, '')];
  return [];
};

const BEFORE_OPERAND = new Set(
  'where on when if elsif and or then having while until filter select return returning using set case exit continue not ( [ , ; := => else'.split(
    ' ',
  ),
);
const AFTER_OPERAND = new Set(
  'then loop group order limit offset for union except intersect returning window end else when left right inner cross join lateral from as on where having do and or ) ] , ; fetch is'.split(
    ' ',
  ),
);

/** First and last token of what an AND or OR takes on its side. */
function operand(tokens: Tokens, from: number, step: 1 | -1, stop: ReadonlySet<string>): number | undefined {
  const depth = tokens[from]?.depth ?? 0;
  let between = false;
  for (let at = from + step; ; at += step) {
    const token = tokens[at];
    if (token === undefined) return at - step === from ? undefined : at - step;
    if (token.depth < depth) return at - step === from ? undefined : at - step;
    if (token.depth > depth) continue;
    if (/^[)\]([]$/.test(token.text) && token.depth === depth) continue;
    if (step === 1 && token.text === 'between') between = true;
    if (step === 1 && token.text === 'and' && between) {
      between = false;
      continue;
    }
    if (step === -1 && token.text === 'and' && betweens(tokens, at)) continue;
    if (step === 1 && token.text === 'is') continue;
    if (step === 1 && token.text === 'from' && tokens[at - 1]?.text === 'distinct') continue;
    if (step === 1 && token.text === 'case') {
      at = endOfCase(tokens, at);
      continue;
    }
    if (step === -1 && token.text === 'end') {
      at = beginOfCase(tokens, at);
      continue;
    }
    if (step === -1 && token.text === 'not') continue;
    if (token.kind !== 'text' && stop.has(token.text)) return at - step === from ? undefined : at - step;
  }
}

function endOfCase(tokens: Tokens, from: number): number {
  let open = 0;
  for (let at = from; at < tokens.length; at += 1) {
    if (tokens[at]?.text === 'case') open += 1;
    if (tokens[at]?.text === 'end') open -= 1;
    if (open === 0) return at;
  }
  return tokens.length - 1;
}

function beginOfCase(tokens: Tokens, from: number): number {
  let open = 0;
  for (let at = from; at >= 0; at -= 1) {
    if (tokens[at]?.text === 'end') open += 1;
    if (tokens[at]?.text === 'case') open -= 1;
    if (open === 0) return at;
  }
  return 0;
}

/** Whether this AND is the one of `between 1 and 2`. */
function betweens(tokens: Tokens, at: number): boolean {
  const depth = tokens[at]?.depth;
  for (let before = at - 1; before >= 0; before -= 1) {
    const token = tokens[before];
    if (token === undefined || token.depth < (depth ?? 0)) return false;
    if (token.depth !== depth) continue;
    if (token.text === 'between') return true;
    if (token.text === 'and' || token.text === 'or' || token.text === ';') return false;
  }
  return false;
}

/** One condition of several is dropped: in WHERE, in a join, in IF. */
const condition: Mutator = (tokens, at) => {
  const token = tokens[at];
  if ((token?.text !== 'and' && token?.text !== 'or') || betweens(tokens, at)) return [];
  const right = operand(tokens, at, 1, AFTER_OPERAND);
  const left = operand(tokens, at, -1, BEFORE_OPERAND);
  const [last, first] = [tokens[right ?? -1], tokens[left ?? -1]];
  const edits: Edit[] = [];
  if (last !== undefined) edits.push(span('drop condition', token, last, ''));
  const before = tokens[(left ?? 0) - 1]?.text;
  if (first !== undefined && before !== 'and' && before !== 'or') edits.push(span('drop condition', first, token, ''));
  return edits;
};

/** A whole condition is true, or false. */
const decision: Mutator = (tokens, at) => {
  const token = tokens[at];
  if (token === undefined || !['where', 'on', 'when', 'if', 'elsif', 'having'].includes(token.text)) return [];
  const [before, next] = [tokens[at - 1]?.text, tokens[at + 1]?.text];
  if (token.text === 'on' && (next === 'conflict' || before === 'distinct')) return [];
  if (
    (token.text === 'if' &&
      (before === 'end' ||
        next === 'exists' ||
        (next === 'not' && tokens[at + 2]?.text === 'exists' && tokens[at + 3]?.text !== '('))) ||
    next === undefined
  )
    return [];
  const stop = new Set([...AFTER_OPERAND].filter((word) => word !== 'and' && word !== 'or' && word !== ','));
  const last = tokens[operand(tokens, at, 1, stop) ?? -1];
  const first = tokens[at + 1];
  if (first === undefined || last === undefined || first.kind === 'text' || first.kind === 'number') return [];
  if (token.text === 'on' || token.text === 'where' || token.text === 'having')
    return [span('condition', first, last, 'true')];
  return ['true', 'false'].map((value) => span('condition', first, last, value));
};

/** `coalesce(x, y)` without its defaults. */
const coalesce: Mutator = (tokens, at) => {
  const [token, open] = [tokens[at], tokens[at + 1]];
  if (token?.text !== 'coalesce' || open?.text !== '(') return [];
  const commas = tokens.flatMap((t, i) => (i > at && t.text === ',' && t.depth === open.depth + 1 ? [i] : []));
  const close = tokens.findIndex((t, i) => i > at + 1 && t.depth === open.depth && (t.text === ')' || t.text === ']'));
  const first = commas[0];
  const [end, comma] = [tokens[close], tokens[first ?? -1]];
  // To a condition, null is false.
  if (first !== undefined && first + 2 === close && tokens[first + 1]?.text === 'false') return [];
  if (first === undefined || first > close || end === undefined || comma === undefined) return [];
  return [{ mutator: 'drop default', start: comma.start, end: end.start, replacement: '' }];
};

const SIMPLE = new Set([
  'insert',
  'update',
  'delete',
  'select',
  'perform',
  'raise',
  'execute',
  'exit',
  'continue',
  'with',
  'refresh',
  'lock',
  'notify',
]);
const OPENS = new Set(['then', 'else', 'loop', 'begin', ';']);

/** A statement of PL/pgSQL is left out. */
const statement: Mutator = (tokens, at) => {
  const token = tokens[at];
  const before = tokens[at - 1];
  if (token === undefined || before === undefined || token.depth !== 0 || !OPENS.has(before.text)) return [];
  if (tokens.findIndex(({ text }) => text === 'begin') >= at) return [];
  const assigns =
    token.kind === 'word' &&
    (tokens[at + 1]?.text === ':=' || (tokens[at + 1]?.text === '.' && tokens[at + 3]?.text === ':='));
  const bare = token.text === 'return' && tokens[at + 1]?.text === ';';
  if (!SIMPLE.has(token.text) && !assigns && !bare) return [];
  const end = tokens.findIndex((t, i) => i > at && t.text === ';' && t.depth === 0);
  const last = tokens[end < 0 ? tokens.length - 1 : end - 1];
  // Case arms of expressions begin after `then` too.
  if (last === undefined || tokens.slice(at, end).some((t) => t.text === 'loop' || t.text === 'if')) return [];
  return [span('drop statement', token, last, 'null')];
};

/** What has nothing on the right side falls out; a column of `using (…)` is left out. */
const join: Mutator = (tokens, at) => {
  const [token, next] = [tokens[at], tokens[at + 1]];
  if (token?.text === 'left' && next?.text === 'join') return [span('join', token, next, 'join')];
  if (token?.text !== 'using' || next?.text !== '(') return [];
  const close = tokens.findIndex((t, i) => i > at + 1 && t.text === ')' && t.depth === next.depth);
  const names = tokens.slice(at + 2, close).filter(({ text }) => text !== ',');
  if (names.length < 2) return [];
  return names.map((dropped) =>
    span(
      'drop join column',
      next,
      tokens[close] ?? next,
      `(${names
        .filter((n) => n !== dropped)
        .map(({ text }) => text)
        .join(', ')})`,
    ),
  );
};

/** `interval '10 minutes'` becomes twice as long. */
const interval: Mutator = (tokens, at) => {
  const [token, next] = [tokens[at], tokens[at + 1]];
  if (token?.text !== 'interval' || next?.kind !== 'text') return [];
  return [span('interval', token, next, `(interval ${next.text} * 2)`)];
};

export const sqlMutators: readonly Mutator[] = [
  swap,
  number,
  minus,
  negation,
  condition,
  decision,
  coalesce,
  statement,
  join,
  interval,
];
