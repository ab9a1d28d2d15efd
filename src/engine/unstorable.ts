import { findExcesses } from './json-limits.ts';

/** A valid pair of surrogates, or an escape that PostgreSQL refuses (U+0000, half of a pair), or any other escape. */
const ESCAPE = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u(0000|[dD][89a-fA-F][\da-fA-F]{2})|\\./g;

/**
 * Marks what PostgreSQL cannot hold in a JSON text, or must not read, so that it can take the text apart: its operators on
 * `json` refuse the whole text for one such escape, and a value that goes past a limit may end it. The value becomes a string
 * that says why and what it was. `supasaasy.unmark` puts both back into the text of a single record.
 */
export function markUnstorable(json: string): string {
  // The marks themselves, where the provider writes them, as escapes: the same text, and no mark.
  const plain = json.replaceAll('\uF8FF', '\\uf8ff').replaceAll('\uF8FE', '\\uf8fe');
  return markExcesses(plain).replace(ESCAPE, (whole, code: string | undefined) =>
    code === undefined ? whole : `\uF8FF${code}\uF8FF`,
  );
}

/** The part of it that no parser may read. */
export function markExcesses(json: string): string {
  const bytes = new TextEncoder().encode(json);
  const excesses = findExcesses(bytes);
  if (excesses.length === 0) return json;
  const decoder = new TextDecoder();
  let marked = '';
  let at = 0;
  for (const { reason, start, end } of excesses) {
    const value = decoder.decode(bytes.subarray(start, end)).replace(/[\n\r\t]/g, ' ');
    const escaped = value.replaceAll('"', '\uF8FD').replaceAll('\\', '\uF8FC');
    marked += `${decoder.decode(bytes.subarray(at, start))}"\uF8FE${reason}\uF8FE${escaped}\uF8FE"`;
    at = end;
  }
  return marked + decoder.decode(bytes.subarray(at));
}
