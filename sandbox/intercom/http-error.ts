/** A refusal that becomes an `error.list`. https://developers.intercom.com/docs/references/rest-api/errors */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.code = code;
  }
}

export function notFound(message: string, code = 'not_found'): HttpError {
  return new HttpError(404, code, message);
}

export function errorList(requestId: string, code: string, message: string): string {
  return JSON.stringify({ type: 'error.list', request_id: requestId, errors: [{ code, message }] });
}
