export interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'number' | 'operator' | 'dollar';
  /** As it stands; words in lower case. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Open parentheses and brackets around it. */
  readonly depth: number;
}

const RULES: readonly (readonly [Token['kind'] | 'skipped', RegExp])[] = [
  ['skipped', /\s+|--[^\n]*|\/\*[\s\S]*?\*\//y],
  ['dollar', /\$[a-z_]*\$/iy],
  ['text', /(?:e|E)?'(?:[^']|'')*'/y],
  ['quoted', /"(?:[^"]|"")*"/y],
  ['word', /[#a-z_][a-z_0-9$]*/iy],
  ['number', /\d+(?:\.\d+)?/y],
  [
    'operator',
    /\$\w+|::|:=|=>|<>|!=|<=|>=|->>|->|#>>|#>|#-|@>|<@|\?\||\?&|\|\||&&|!~\*|!~|~\*|\.\.|[-+*/<>=~?%^|&@#,;:.()[\]]/y,
  ],
];

/** PostgreSQL's tokens, without comments. What stands between dollar quotes is code too: their marks are tokens. */
export function readTokens(sql: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = 0; at < sql.length; ) {
    const found = RULES.map(([kind, pattern]) => {
      pattern.lastIndex = at;
      return { kind, text: pattern.exec(sql)?.[0] };
    }).find(({ text }) => text !== undefined);
    if (found?.text === undefined) throw new Error(`no token at ${sql.slice(at, at + 40)}`);
    const { kind, text } = found;
    if (/^[)\]]$/.test(text)) depth -= 1;
    if (kind !== 'skipped')
      tokens.push({ kind, text: kind === 'word' ? text.toLowerCase() : text, start: at, end: at + text.length, depth });
    if (/^[([]$/.test(text)) depth += 1;
    at += text.length;
  }
  return tokens;
}
