// @ts-check
// JavaScript, so that a thread can read it without tsx (see worker.js).

/** PostgreSQL has ended itself (its log cannot be written): what is asked of it after that never returns. */
export const isPanic = (/** @type {unknown} */ error) =>
  /** @type {{ severity?: unknown } | null} */ (error)?.severity === 'PANIC';
