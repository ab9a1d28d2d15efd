/**
 * JSON in which no number changes. JavaScript's numbers have 53 bits: `JSON.parse('9007199254740993')` is
 * 9007199254740992. Everything of a provider is parsed and written here.
 */

/** A decimal with more digits than a JavaScript number has, or too large or small for one. */
export class ExactNumber {
  /** As the provider wrote it. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }

  /** `JSON.stringify` writes it as a text: `stringifyJson` writes the number. */
  toJSON(): string {
    exactWritten = true;
    return this.text;
  }
}

let exactWritten = false;

/** A number that may not be exact: 16 digits or an exponent, at a place where a number stands. */
const SUSPICIOUS = /(?:^|[:[,\s])-?(?:[\d.]{16}|[\d.]+[eE])/;
const TOKEN = /["\d-]/g;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Parses JSON. A number that a JavaScript number holds exactly is one; another integer is a `bigint`, another decimal an
 * `ExactNumber`. Throws a SyntaxError as `JSON.parse` does, which it costs hardly more than.
 */
export function parseJson(text: string): unknown {
  if (!SUSPICIOUS.test(text)) return JSON.parse(text);
  // No text of the provider's can be taken for a number of ours.
  const mark = crypto.randomUUID();
  const marked = markNumbers(text, mark);
  if (marked === text) return JSON.parse(text);
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? exactly(value.slice(mark.length)) : value,
  );
}

/** Writes what `parseJson` reads: the same numbers, digit by digit. */
export function stringifyJson(value: unknown, indent?: number): string {
  exactWritten = false;
  try {
    const text = JSON.stringify(value, undefined, indent);
    if (!exactWritten) return text;
  } catch (error) {
    // A bigint, most likely; a circle throws once more below.
    if (!(error instanceof TypeError)) throw error;
  }
  const mark = crypto.randomUUID();
  const text = JSON.stringify(
    value,
    function (this: Record<string, unknown>, key, shown: unknown) {
      const given = this[key];
      if (typeof given === 'bigint') return mark + given;
      return given instanceof ExactNumber ? mark + given.text : shown;
    },
    indent,
  );
  return text.replaceAll(new RegExp(`"${mark}([^"]*)"`, 'g'), '$1');
}

/** Each number that is not exact as a marked string. */
function markNumbers(text: string, mark: string): string {
  let marked = '';
  let kept = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    if (found[0] === '"') {
      TOKEN.lastIndex = endOfString(text, found.index);
      continue;
    }
    NUMBER.lastIndex = found.index;
    const number = NUMBER.exec(text)?.[0];
    if (number === undefined) continue;
    TOKEN.lastIndex = found.index + number.length;
    if (isExact(number)) continue;
    marked += `${text.slice(kept, found.index)}"${mark}${number}"`;
    kept = TOKEN.lastIndex;
  }
  return marked + text.slice(kept);
}

/** Behind the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = text.indexOf('"', at);
    if (at === -1) return text.length;
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
}

/** Whether a JavaScript number has the same value: its shortest decimal and the text have the same digits. */
function isExact(text: string): boolean {
  return text.length < 16 && !/[eE]/.test(text) ? true : digitsOf(text) === digitsOf(String(Number(text)));
}

/** Digits without zeros at either end, and the place of the point: one text for each value. */
function digitsOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return whole === '' ? text : '0';
  const significant = digits.replace(/0+$/, '');
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)}`;
}

function exactly(text: string): bigint | ExactNumber {
  return /^-?\d+$/.test(text) ? BigInt(text) : new ExactNumber(text);
}
