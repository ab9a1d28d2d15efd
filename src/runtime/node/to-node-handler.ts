import { getRequestListener } from '@hono/node-server';

/** A handler for `http.createServer`, out of one of web standards such as `supasaasy.webhook`. */
export function toNodeHandler(
  handler: (request: Request) => Promise<Response>,
): (incoming: unknown, outgoing: unknown) => void {
  // Declarations of this package need no types of Node; `http.createServer` passes what is expected.
  return getRequestListener(handler) as (incoming: unknown, outgoing: unknown) => void;
}
