import type { SandboxAnswer, SandboxRequest } from '../http/provider.ts';
import { StripeProblem } from './errors.ts';

export interface Idempotency {
  /** The remembered answer to the same key, or the answer of `make`, which is remembered from now on. */
  once(request: SandboxRequest, make: () => SandboxAnswer): SandboxAnswer;
  clear(): void;
}

const KEPT = 10_000;

/** https://docs.stripe.com/api/idempotent_requests */
export function createIdempotency(): Idempotency {
  const answers = new Map<string, { readonly asked: string; readonly answer: SandboxAnswer }>();
  return {
    once(request, make) {
      const key = request.headers['idempotency-key'];
      if (key === undefined || request.method !== 'POST') return make();
      const asked = `${request.path}\n${request.body}`;
      const known = answers.get(key);
      if (known) {
        if (known.asked !== asked) {
          throw new StripeProblem(
            400,
            `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
            { type: 'idempotency_error' },
          );
        }
        return { ...known.answer, headers: { ...known.answer.headers, 'idempotent-replayed': 'true' } };
      }
      const answer = make();
      answers.set(key, { asked, answer });
      if (answers.size > KEPT) answers.delete(answers.keys().next().value as string);
      return answer;
    },
    clear: () => answers.clear(),
  };
}
