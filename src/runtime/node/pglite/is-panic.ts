/** PostgreSQL has ended itself (its log cannot be written): what is asked of it after that never returns. */
export const isPanic = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'severity' in error && error.severity === 'PANIC';
