// @ts-check
// JavaScript, so that a thread can read it without tsx (see worker.js).
import { types } from '@electric-sql/pglite';
import { readJson } from './unread.js';

/** As `pg` reads them: 64-bit integers and numerics keep every digit as text. */
const parsers = {
  [types.INT8]: (/** @type {string} */ text) => text,
  [types.NUMERIC]: (/** @type {string} */ text) => text,
  [types.JSON]: readJson,
  [types.JSONB]: readJson,
};

/** Text may be given as its bytes, which PGlite passes on in binary: as a string, a page of 90 kB takes a millisecond more. */
const serializers = {
  [types.TEXT]: (/** @type {unknown} */ value) =>
    value instanceof Uint8Array ? /** @type {string} */ (/** @type {unknown} */ (value)) : String(value),
};
const options = { parsers, serializers };

/**
 * PGlite's own interface: its adapter for `pg` (0.5.16) loses its place in the protocol after a statement that failed.
 *
 * @param {import('@electric-sql/pglite').PGlite} pglite closed with what is returned
 * @returns {import('./embedded.ts').Embedded}
 */
export function embed(pglite) {
  return {
    query: (text, values) => pglite.query(text, [...values], options),
    exec: async (text) => (await pglite.exec(text)).at(-1)?.command,
    async listen(channel, heard) {
      const unlisten = await pglite.listen(channel, heard);
      return () => unlisten();
    },
    async close() {
      if (!pglite.closed) await pglite.close();
    },
  };
}
