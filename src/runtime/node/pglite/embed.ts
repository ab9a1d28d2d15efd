import { type PGlite, types } from '@electric-sql/pglite';
import type { Embedded } from './embedded.ts';
import { readJson } from './unread.ts';

/** As `pg` reads them: 64-bit integers and numerics keep every digit as text. */
const parsers = {
  [types.INT8]: (text: string) => text,
  [types.NUMERIC]: (text: string) => text,
  [types.JSON]: readJson,
  [types.JSONB]: readJson,
};
/**
 * Text may be given as its bytes, which PGlite passes on in binary: as a string, a page of 90 kB takes a millisecond more.
 * PGlite's own type of a serializer knows strings only.
 */
const serializers = {
  [types.TEXT]: (value: unknown) => (value instanceof Uint8Array ? (value as unknown as string) : String(value)),
};
const options = { parsers, serializers };

/**
 * PGlite's own interface: its adapter for `pg` (0.5.16) loses its place in the protocol after a statement that failed.
 * The PGlite is closed with what is returned.
 */
export function embed(pglite: PGlite): Embedded {
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
