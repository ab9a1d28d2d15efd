import { expect, it } from 'vitest';
import { describeEachDatabase } from '../setup/database.ts';
import { ACME_TEMPLATE } from '../support/acme-connector.ts';

/** The three columns of the key of `supasaasy.entities`. */
const KEY = ['app_key', 'collection_key', 'external_id'];

/**
 * Each use of `entities` in a text of SQL with its conditions: the statement part up to where the next relation, or the
 * statement, ends. Uses that look at a whole collection, of one app, and say so by naming no object, need two columns.
 */
function usesOf(text: string): { use: string; columns: string[] }[] {
  const plain = text.replaceAll(/--[^\n]*/g, ' ').replaceAll(/\s+/g, ' ');
  return [...plain.matchAll(/(from|join|update|using) (only )?supasaasy\.entities (?:as )?(?:([a-z]\w*) )?/gi)].map(
    (found) => {
      const alias =
        found[3] !== undefined && !/^(where|on|set|cross|left|join|order|limit)$/i.test(found[3])
          ? found[3]
          : '(?:entities|supasaasy\\.entities)';
      // A statement ends at its semicolon; a subquery, at the bracket that closes it.
      let depth = 0;
      let end = (found.index ?? 0) + found[0].length;
      for (; end < plain.length && depth >= 0 && plain[end] !== ';'; end += 1)
        depth += plain[end] === '(' ? 1 : plain[end] === ')' ? -1 : 0;
      const scope = plain.slice(found.index, end);
      const named = KEY.filter((column) =>
        new RegExp(
          `(?:\\b${alias}\\.|[ (])${column}\\b\\s*(=|>|<|<>|~|is not distinct from|is distinct from|in\\b)|= ?(?:\\b${alias}\\.)${column}\\b|${alias}\\.\\*`,
          'i',
        ).test(scope),
      );
      return { use: scope.slice(0, 300), columns: named };
    },
  );
}

describeEachDatabase('C10 the key of an entity', (make) => {
  it('C10 each look at entities in a function or a view names app and collection, and each join the object too', async () => {
    const { query } = await make({ template: ACME_TEMPLATE });
    const texts = await query<{ name: string; text: string }>(
      `select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as text from pg_proc p
       where p.pronamespace = 'supasaasy'::regnamespace and p.prokind = 'f' and pg_get_functiondef(p.oid) ~ 'supasaasy\\.entities\\M'
       union all
       select c.oid::regclass::text, pg_get_viewdef(c.oid) from pg_class c where c.relnamespace = 'supasaasy'::regnamespace and c.relkind in ('v', 'm')
         and pg_get_viewdef(c.oid) ~ 'supasaasy\\.entities\\M'`,
    );
    expect(texts.length).toBeGreaterThan(15);
    const wrong = texts.flatMap(({ name, text }) =>
      usesOf(text).flatMap(({ use, columns }) => {
        const joined = /^join/i.test(use) || /lateral/i.test(use);
        // What counts the rows of every app, and says so by its groups, names none.
        const counted = !joined && /group by [^)]*app_key/i.test(use);
        const needed = joined ? KEY : counted ? [] : ['app_key', 'collection_key'];
        const lacks = needed.filter((column) => !columns.includes(column));
        return lacks.length === 0 ? [] : [`${name} lacks ${lacks.join(', ')}: ${use}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});
