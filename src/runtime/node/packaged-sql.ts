/** One numbered SQL file. */
export interface SqlFile {
  /** `001_tables.sql` */
  readonly name: string;
  readonly sql: string;
}

/**
 * The SQL files of this package, by the path of their folder in it. Empty in the sources, where the folders are read; the
 * build writes a module with all texts in the place of this one (scripts/build/sql-module.ts).
 */
export const packagedSql: ReadonlyMap<string, readonly SqlFile[]> = new Map();
