/** A valid pair of surrogates, or an escape that PostgreSQL refuses (U+0000, half of a pair), or any other escape. */
const ESCAPE = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u(0000|[dD][89a-fA-F][\da-fA-F]{2})|\\./g;

/**
 * Marks the escapes of a JSON text that PostgreSQL cannot hold, so that it can take the text apart: its operators on
 * `json` refuse the whole text for one of them. `supasaasy.unmark` puts them back into a single record.
 */
export function markUnstorable(json: string): string {
  return json.replace(ESCAPE, (whole, code: string | undefined) =>
    code === undefined ? whole : `\uF8FF${code}\uF8FF`,
  );
}
