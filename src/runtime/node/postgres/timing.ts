/** How long what is waited for, in milliseconds. */
export interface Timing {
  /** A connection is made, or the next host is tried. */
  readonly connectMs: number;
  /** A statement without an answer: then the server is asked, by another connection, whether it works on it. */
  readonly silentMs: number;
  /** Between two looks at a server that waits for us: an answer may be on its way. */
  readonly graceMs: number;
  /** A statement without an answer, where the server cannot be asked: the connection is given up. */
  readonly hardMs: number;
  /** For one of our connections to be free, or for the server to have one for us. */
  readonly turnMs: number;
  /** After the server had no more connections, until more are tried. */
  readonly widenMs: number;
  /** Between two looks whether a listener still hears. */
  readonly listenMs: number;
}

/** A silent connection is noticed within 30 s, and all of them together; two minutes are what nobody should wait. */
export const TIMING: Timing = {
  connectMs: 10_000,
  silentMs: 15_000,
  graceMs: 2_000,
  hardMs: 75_000,
  turnMs: 60_000,
  widenMs: 60_000,
  listenMs: 30_000,
};
