/** One small change of the source, made by a mutator. */
export interface Mutant {
  /** Of the file's text and the change: the same until the text around it changes. */
  readonly id: string;
  readonly language: 'typescript' | 'sql';
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly mutator: string;
  readonly original: string;
  readonly replacement: string;
  /** TypeScript: the switch that turns it on. */
  readonly activation?: string;
  /** SQL: the statement that makes it, and the one that takes it back. */
  readonly statements?: { readonly mutated: string; readonly original: string };
  /** What a test must reach to see it: the switch, or the SQL object. */
  readonly reachedBy: string;
}

export type Verdict = 'killed' | 'timeout' | 'survived' | 'unreached' | 'invalid';

export interface Outcome {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
  /** The test that failed. */
  readonly by?: string;
  readonly ms: number;
  /** Not every test that reaches it was run: its budget ended. */
  readonly cut: boolean;
}
