import { parseJson } from '../../kit/json.ts';
import { valueAt } from '../../kit/normalize.ts';
import type { NextPage, Path } from '../../kit/resource.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
/** What stands beside the list in an answer is short; a longer text is not looked through. */
const BESIDE_LIST = 2_000;

/**
 * The cursor after a page, read from its end without parsing the rest: a few microseconds, so that the next page can
 * be asked for while this one is being written. Only for lists whose cursor is the last record's id, and only a guess:
 * what the database answers decides. Undefined where it cannot tell, or where there is no next page.
 */
export function guessNext(bytes: Uint8Array, idPath: Path, next: NextPage): string | undefined {
  if (next.style !== 'last_id' || next.more.length !== 1) return undefined;
  const end = lastRecordEnd(bytes);
  const start = end === undefined ? undefined : matchingBrace(bytes, end);
  if (end === undefined || start === undefined) return undefined;
  const head = bytes.subarray(0, Math.min(BESIDE_LIST, bytes.indexOf(OPEN_LIST)));
  const around = `${text(head)} ${text(bytes.subarray(end + 1))}`;
  if (!new RegExp(`"${next.more[0]}"\\s*:\\s*true`).test(around)) return undefined;
  try {
    const value = valueAt(parseJson(text(bytes.subarray(start, end + 1))), idPath);
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The last `}` before the `]` that closes the answer's list of records. */
function lastRecordEnd(bytes: Uint8Array): number | undefined {
  let braces = 0;
  for (let at = bytes.length - 1, stop = Math.max(0, at - BESIDE_LIST); at > stop; at -= 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = stringStart(bytes, at);
    else if (byte === CLOSE) {
      braces += 1;
      if (braces > 1) return undefined;
    } else if (byte === CLOSE_LIST) {
      do at -= 1;
      while (at > stop && (bytes[at] ?? 0) <= 0x20);
      return bytes[at] === CLOSE ? at : undefined;
    }
  }
  return undefined;
}

function matchingBrace(bytes: Uint8Array, end: number): number | undefined {
  let depth = 0;
  for (let at = end; at >= 0; at -= 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = stringStart(bytes, at);
    else if (byte === CLOSE) depth += 1;
    else if (byte === OPEN) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}

/** Where the string that ends at `end` begins: a quote after an even number of backslashes. */
function stringStart(bytes: Uint8Array, end: number): number {
  for (let at = end - 1; at >= 0; at -= 1) {
    if (bytes[at] !== QUOTE) continue;
    let slashes = 0;
    while (bytes[at - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at;
    at -= slashes;
  }
  return -1;
}
