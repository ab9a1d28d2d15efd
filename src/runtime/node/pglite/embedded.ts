/** What the driver asks of a PGlite, which is in this thread or in one of its own. Answered in the order in which it is asked. */
export interface Embedded {
  query(text: string, values: readonly unknown[]): Promise<{ rows: unknown[] }>;
  /** Several statements without parameters; resolves to the command of the last one, as PostgreSQL confirmed it. */
  exec(text: string): Promise<string | undefined>;
  /** Calls back until told to stop. */
  listen(channel: string, heard: () => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
