import { json } from '../support/acme-api.ts';
import type { Random } from './random.ts';

export const FAULTS = ['429', '500', '503', 'reset', 'truncated', 'html', 'lost'] as const;
export type Fault = (typeof FAULTS)[number];

/** What goes wrong with a request, or nothing. `answer` is what it would have said. */
export async function strike(fault: Fault, answer: () => Promise<Response>, random: Random): Promise<Response> {
  switch (fault) {
    case '429':
      // Waited for with the task in hand, or put back. Not so short that a busy machine lets it pass by itself.
      return json({ error: { message: 'slow down' } }, 429, { 'retry-after': random.chance(0.5) ? '4' : '60' });
    case '500':
    case '503':
      return json({ error: { message: 'try again' } }, Number(fault));
    case 'html':
      return new Response('<html><body>502 Bad Gateway</body></html>', { status: random.chance(0.5) ? 502 : 200 });
    case 'truncated': {
      const response = await answer();
      const text = await response.text();
      // At least one byte is missing; of an object the closing bracket.
      return new Response(text.slice(0, random.int(text.length)), {
        status: response.status,
        headers: response.headers,
      });
    }
    case 'lost':
      await answer();
      throw new TypeError('fetch failed', { cause: new Error('other side closed') });
    case 'reset':
      throw new TypeError('fetch failed', { cause: new Error('read ECONNRESET') });
  }
}
