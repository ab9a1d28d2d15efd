import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles } from '../check/files.ts';
import { idOf } from './id-of.ts';
import type { Mutant } from './mutant.ts';
import { sqlMutators } from './sql-mutators.ts';
import { readObjects, type SqlObject } from './sql-statements.ts';

const FOLDER = 'src/engine/migrations';

export interface SqlSource {
  readonly file: string;
  readonly text: string;
  readonly objects: readonly SqlObject[];
}

export async function readSqlSources(root: string): Promise<SqlSource[]> {
  return await Promise.all(
    listFiles(root, [FOLDER], /\.sql$/).map(async (file) => {
      const text = await readFile(join(root, file), 'utf8');
      return { file, text, objects: readObjects(text) };
    }),
  );
}

/** Every small mistake in the functions and views, each as a statement that puts it over the right one. */
export function mutateSql(sources: readonly SqlSource[]): Mutant[] {
  const last = new Map(
    sources.flatMap(({ objects }) => objects.map((object) => [object.name + argumentsOf(object), object])),
  );
  return sources.flatMap(({ file, text, objects }) => {
    const seen = new Map<string, number>();
    // What a later file replaces is never called.
    return objects
      .filter((object) => last.get(object.name + argumentsOf(object)) === object)
      .flatMap((object) =>
        object.body.flatMap((_, at) =>
          sqlMutators.flatMap((mutator) =>
            mutator(object.body, at).map(({ mutator: name, start, end, replacement }) => {
              const original = text.slice(start, end);
              const body =
                object.text.slice(0, start - object.start) + replacement + object.text.slice(end - object.start);
              return {
                id: idOf(seen, file, name, `${object.name}: ${original}`, replacement),
                language: 'sql' as const,
                file,
                line: text.slice(0, start).split('\n').length,
                mutator: name,
                original,
                replacement,
                statements: { mutated: orReplace(body), original: orReplace(object.text) },
                reachedBy: object.name,
              };
            }),
          ),
        ),
      );
  });
}

const orReplace = (statement: string) => statement.replace(/^create (?!or replace)/i, 'create or replace ');
const argumentsOf = ({ text }: SqlObject) =>
  text.slice(0, text.indexOf(')')).replaceAll(/\s+/g, ' ').split('(')[1] ?? '';
