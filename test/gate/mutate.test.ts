import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readAccepted } from '../../scripts/mutate/accepted.ts';
import { instrument } from '../../scripts/mutate/instrument.ts';
import { sample } from '../../scripts/mutate/sample.ts';
import { mutateSql, readSqlSources } from '../../scripts/mutate/sql-mutants.ts';
import { readObjects } from '../../scripts/mutate/sql-statements.ts';
import { readTokens } from '../../scripts/mutate/sql-tokens.ts';

/** What a function's body can become, one change at a time. */
function mutantsOf(body: string): string[] {
  const text = `create or replace function supasaasy.f(a integer default 1) returns integer\nlanguage plpgsql as $$ ${body} $$;`;
  return mutateSql([{ file: 'f.sql', text, objects: readObjects(text) }]).map(({ statements }) =>
    (statements?.mutated ?? '').replace(/^[\s\S]*?\$\$ | \$\$$/g, '').replaceAll(/\s+/g, ' '),
  );
}

describe('the mutants of SQL', () => {
  it.each<[string, string[]]>([
    ['select where a < b', ['select where true', 'select where a <= b', 'select where a >= b']],
    ['select where a <= clock_timestamp()', ['select where true', 'select where a > clock_timestamp()']],
    ['select x where a = 1', ['select x where true', 'select x where a <> 1', 'select x where a = 2']],
    ['select 1000', ['select (1000 * 2)']],
    [`select 'a = b and 1' -- c = d and 2`, []],
    [
      'select where a and b or c',
      [
        'select where true',
        'select where a or b or c',
        'select where a or c',
        'select where b or c',
        'select where a and b and c',
        'select where a and b ',
      ],
    ],
    ['select where x between a and b', ['select where true']],
    [
      'select where x between a and b and y',
      ['select where true', 'select where x between a and b or y', 'select where x between a and b ', 'select where y'],
    ],
    [
      'select where (a and (b or c))',
      [
        'select where true',
        'select where (a or (b or c))',
        'select where (a )',
        'select where ( (b or c))',
        'select where (a and (b and c))',
        'select where (a and (b ))',
        'select where (a and ( c))',
      ],
    ],
    ['select from x join y using (a, b)', ['select from x join y using (b)', 'select from x join y using (a)']],
    [
      'select from x left join y on x.a = y.a',
      [
        'select from x join y on x.a = y.a',
        'select from x left join y on true',
        'select from x left join y on x.a <> y.a',
      ],
    ],
    ['select coalesce(a, b, 7)', ['select coalesce(a)', 'select coalesce(a, b, 8)']],
    ['select coalesce(a, false)', ['select coalesce(a, true)']],
    [
      'select not a, b is null, c is not null, d is distinct from e',
      [
        'select a, b is null, c is not null, d is distinct from e',
        'select not a, b is not null, c is not null, d is distinct from e',
        'select not a, b is null, c is null, d is distinct from e',
        'select not a, b is null, c is not null, d is not distinct from e',
      ],
    ],
    [
      'begin perform g(); x := h(); if x then return; end if; end',
      [
        'begin null; x := h(); if x then return; end if; end',
        'begin perform g(); null; if x then return; end if; end',
        'begin perform g(); x := h(); if true then return; end if; end',
        'begin perform g(); x := h(); if false then return; end if; end',
        'begin perform g(); x := h(); if x then null; end if; end',
      ],
    ],
    ['select least(a, b) - c', ['select greatest(a, b) - c', 'select least(a, b) + c']],
    ['select -c, count(*), a.*', []],
    [`select interval '5 s'`, [`select (interval '5 s' * 2)`]],
  ])('of %s', (body, mutants) => {
    expect(
      mutantsOf(body)
        .map((text) => text.replaceAll(/\s+/g, ' ').trim())
        .sort(),
    ).toEqual(mutants.map((text) => text.trim()).sort());
  });

  it('are made of every function of the engine, in whatever way its body is written', async () => {
    const sources = await readSqlSources('.');
    const created = sources.flatMap(({ text }) =>
      [...text.matchAll(/^create (?:or replace )?(?:function|view) supasaasy\.([a-z_0-9]+)/gm)].map(([, name]) => name),
    );
    expect(sources.flatMap(({ objects }) => objects.map(({ name }) => name)).sort()).toEqual(created.sort());
    for (const { file, text } of sources) {
      const tokens = readTokens(text);
      expect(tokens.at(-1)?.depth, `${file} ends outside of all parentheses`).toBe(0);
    }
  });
});

describe('a sample', () => {
  it('is decided by its seed, and as large as was asked for', () => {
    const all = Array.from({ length: 100 }, (_, n) => n);
    expect(sample(all, 5, 7)).toEqual(sample(all, 5, 7));
    expect(sample(all, 5, 7)).not.toEqual(sample(all, 5, 8));
    expect(new Set(sample(all, 200, 7)).size).toBe(100);
  });
});

describe('the survivors that are accepted', () => {
  it('are mutants that there are, each once and with a reason', async () => {
    const accepted = await readAccepted();
    const list = JSON.parse(
      readFileSync(new URL('../../scripts/mutate/accepted.json', import.meta.url), 'utf8'),
    ) as unknown[];
    expect(accepted.size).toBe(list.length);
    const { mutants } = await instrument('.');
    const known = new Map([...mutants, ...mutateSql(await readSqlSources('.'))].map((mutant) => [mutant.id, mutant]));
    for (const [id, { file, mutator, original, replacement, reason }] of accepted) {
      expect({
        id,
        file: known.get(id)?.file,
        mutator: known.get(id)?.mutator,
        original: known.get(id)?.original,
        replacement: known.get(id)?.replacement,
      }).toEqual({ id, file, mutator, original, replacement });
      expect(reason.length, `${id} has a reason`).toBeGreaterThan(15);
    }
  });
});
