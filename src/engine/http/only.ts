import type { Handler } from 'hono';
import { HttpError } from './http-error.ts';

/** For `app.all` after a route's own methods: any other one is 405, and which are allowed is said. */
export function only(...methods: readonly string[]): Handler {
  return (c) => {
    throw new HttpError(405, 'method_not_allowed', `${c.req.method} is not for ${c.req.path}`, {
      Allow: methods.join(', '),
    });
  };
}
