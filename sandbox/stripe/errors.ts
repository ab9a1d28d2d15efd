import type { SandboxAnswer } from '../http/provider.ts';

interface ErrorFields {
  readonly code?: string;
  readonly param?: string;
  readonly type?: string;
}

/** A refusal in Stripe's words. https://docs.stripe.com/api/errors */
export class StripeProblem extends Error {
  readonly status: number;
  readonly fields: ErrorFields;
  constructor(status: number, message: string, fields: ErrorFields = {}) {
    super(message);
    this.name = 'StripeProblem';
    this.status = status;
    this.fields = fields;
  }

  answer(): SandboxAnswer {
    const { code, param, type = 'invalid_request_error' } = this.fields;
    const error = {
      ...(code && { code, doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` }),
      message: this.message,
      ...(param && { param }),
      type,
    };
    return { status: this.status, body: `${JSON.stringify({ error }, null, 2)}\n` };
  }
}

export const unknownParameter = (name: string) =>
  new StripeProblem(400, `Received unknown parameter: ${name}`, { code: 'parameter_unknown', param: name });

/** As Stripe spells them in `No such …`, where that is known to differ from words with spaces. */
const SPELLED: Readonly<Record<string, string>> = {
  payment_intent: 'payment_intent',
  payment_method: 'PaymentMethod',
  subscription_item: 'subscription_item',
};

export const missing = (status: 400 | 404, object: string, id: string, param = 'id') =>
  new StripeProblem(status, `No such ${SPELLED[object] ?? object.replaceAll('_', ' ')}: '${id}'`, {
    code: 'resource_missing',
    param,
  });
