import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SandboxProvider, SandboxRequest } from '../http/provider.ts';

/** Raised when the same seed would no longer make the same world: older journals are then worthless. */
const WORLD = 1;

export interface Journal {
  /** When this world began; its population depends on it. */
  readonly bornMs: number;
  /** Changes that were repeated from the file. */
  readonly repeated: number;
  readonly provider: SandboxProvider;
}

/**
 * Lets a world outlive its process. A world is its seed, and what happened to it when; so the moment of each change
 * is written to a file, and the next process repeats them.
 *
 * The file: a line `{"world": 1, "bornMs": …}`, then one line a change: its milliseconds, or `[milliseconds, request]`
 * for a write through the API. A line that was cut off by a crash is ignored, as the last one.
 */
export function withJournal<Provider extends SandboxProvider>(
  file: string,
  make: (clock: { readonly bornMs: number; readonly nowMs: () => number }) => Provider,
): Journal {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const head = parse(lines.shift() ?? '') as { world?: number; bornMs?: number } | undefined;
  const known = head?.world === WORLD && typeof head.bornMs === 'number';
  const bornMs = known ? (head.bornMs as number) : Date.now();
  let repeating: number | undefined;
  const provider = make({ bornMs, nowMs: () => repeating ?? Date.now() });
  let repeated = 0;
  let last = bornMs;
  if (known) {
    for (const line of lines) {
      const entry = parse(line) as number | [number, SandboxRequest] | undefined;
      if (entry === undefined) break;
      repeating = typeof entry === 'number' ? entry : entry[0];
      last = repeating;
      if (typeof entry === 'number') provider.mutate();
      else provider.handle({ ...entry[1], query: new URLSearchParams(String(entry[1].query)) });
      provider.takeDeliveries?.();
      repeated += 1;
    }
    repeating = undefined;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  // Written anew where there was none, or a crash cut it off.
  if (repeated < lines.length || !known) {
    writeFileSync(
      file,
      [JSON.stringify({ world: WORLD, bornMs }), ...lines.slice(0, known ? repeated : 0), ''].join('\n'),
      { mode: 0o600 },
    );
  }
  /** One moment for the change and for its line: repeated, it must be the same. */
  function at<T>(change: () => T, note: (ms: number) => unknown): T {
    repeating = Math.max(last, Date.now());
    last = repeating;
    try {
      appendFileSync(file, `${JSON.stringify(note(repeating))}\n`);
      return change();
    } finally {
      repeating = undefined;
    }
  }
  return {
    bornMs,
    repeated,
    provider: {
      ...provider,
      mutate: () =>
        at(
          () => provider.mutate(),
          (ms) => ms,
        ),
      handle: (request) =>
        changes(request)
          ? at(
              () => provider.handle(request),
              (ms) => [ms, { ...request, query: request.query.toString() }],
            )
          : provider.handle(request),
    },
  };
}

/** Reading by POST (a search) changes nothing. */
function changes({ method, path }: SandboxRequest): boolean {
  return method !== 'GET' && method !== 'HEAD' && !path.endsWith('/search') && !path.endsWith('/list');
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
