import { parseJson } from '../../kit/json.ts';
import { excessOf } from '../json-limits.ts';
import { HttpError } from './http-error.ts';

/** The whole body, or 413 as soon as it is known to be longer: by its header, else by counting what arrives. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const announced = request.headers.get('content-length');
  if (Number(announced ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (announced !== null) {
    // No server lets a body be longer than announced. On Node this takes it from the socket as it is; as a stream, it cost
    // a tenth of what a delivery costs.
    const whole = new Uint8Array(await request.arrayBuffer());
    if (whole.byteLength > maxBytes) throw tooLarge(maxBytes);
    return whole;
  }
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      // The rest is of no use; whoever sends it may already be gone.
      void reader.cancel().catch(() => {});
      throw tooLarge(maxBytes);
    }
    chunks.push(value);
  }
  return concat(chunks, size);
}

/** JSON of an admin route; an empty body is an empty object. */
export async function readJson(request: Request, maxBytes = 64 * 1024): Promise<unknown> {
  const bytes = await readBody(request, maxBytes);
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === '') return {};
  const excess = excessOf(bytes);
  if (excess !== undefined) throw new HttpError(400, 'body_invalid', `the body cannot be read: ${excess}`);
  try {
    return parseJson(text);
  } catch {
    throw new HttpError(400, 'body_invalid', 'the body must be JSON');
  }
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, 'body_too_large', `the body may have ${maxBytes} bytes`, { Connection: 'close' });
}
