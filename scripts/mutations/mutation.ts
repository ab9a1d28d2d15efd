/** A small mistake, planted on purpose, and the tests that must notice it. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Test files or folders. */
  readonly tests: readonly string[];
  /** The one test that must notice, by the beginning of its name. */
  readonly by?: string;
}
