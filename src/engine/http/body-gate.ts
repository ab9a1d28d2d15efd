import type { Ports } from '../ports.ts';
import { type ByteBudget, createByteBudget } from './byte-budget.ts';
import { HttpError } from './http-error.ts';
import { DEFAULT_MAX_BODY_BYTES, type HttpOptions } from './options.ts';
import { readBody } from './read-body.ts';

/** Deliveries are a few kB. Larger ones have a budget of their own, so that strangers who send them keep no usual one out. */
const SMALL_BYTES = 256 * 1024;
const DEFAULT_BYTES_UNDER_WAY = 64 * 1024 * 1024;
const DEFAULT_BODY_MS = 30_000;

const busy = () =>
  new HttpError(503, 'busy', 'too many bytes are under way; deliver again later', {
    'Retry-After': '5',
    Connection: 'close',
  });
const slow = (ms: number) =>
  new HttpError(408, 'body_too_slow', `the body did not arrive within ${ms / 1000} s`, { Connection: 'close' });

/**
 * Reads bodies of senders that are not known yet, and lets `use` have each. Bounded: the bytes of one, the bytes of all that are
 * under way until `use` has ended (who has no place is answered 503 before anything of it is read), and the time that one takes.
 */
export function createBodyGate(ports: Ports, options: HttpOptions) {
  const maxBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  const underWay = options.maxBytesUnderWay ?? DEFAULT_BYTES_UNDER_WAY;
  const bodyMs = options.bodyTimeoutMs ?? DEFAULT_BODY_MS;
  const small = createByteBudget(underWay);
  const large = createByteBudget(underWay);

  return async <T>(request: Request, use: (body: Uint8Array) => Promise<T>): Promise<T> => {
    const place = createPlace(small, large);
    const late = new AbortController();
    const ended = new AbortController();
    void ports.sleep(bodyMs, ended.signal).then(() => ended.signal.aborted || late.abort(slow(bodyMs)));
    try {
      const body = await readBody(request, maxBytes, {
        signal: late.signal,
        expect: (bytes) => {
          if (!place.grow(bytes)) throw busy();
        },
      });
      ended.abort();
      return await use(body);
    } finally {
      ended.abort();
      place.leave();
    }
  };
}

/** What one body has of the budgets: of the small one, until it is known to be large. */
function createPlace(small: ByteBudget, large: ByteBudget) {
  let of = small;
  let taken = 0;
  return {
    /** False: there is no place for so many bytes altogether. */
    grow(bytes: number): boolean {
      if (of === small && bytes > SMALL_BYTES) {
        small.give(taken);
        taken = 0;
        of = large;
      }
      if (bytes <= taken) return true;
      if (!of.take(bytes - taken)) return false;
      taken = bytes;
      return true;
    },
    leave() {
      of.give(taken);
      taken = 0;
    },
  };
}
