/** What a test process is asked to do with the next run. */
export interface Errand {
  /** The switch of a TypeScript mutant. */
  readonly activation?: string;
  /** Our modules are loaded anew, because the mutant is in code that runs while they load. */
  readonly reload: boolean;
  /** Times that the mutant may be reached before it is taken for endless. */
  readonly hitLimit?: number;
  /** What each test reaches is wanted. */
  readonly record: boolean;
}

declare module 'vitest' {
  export interface ProvidedContext {
    errand: Errand;
  }
}
