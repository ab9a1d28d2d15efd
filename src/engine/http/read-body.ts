import { parseJson } from '../../kit/json.ts';
import { excessOf } from '../json-limits.ts';
import { untilAborted } from '../until-aborted.ts';
import { HttpError } from './http-error.ts';

interface ReadBodyOptions {
  /** Ends the reading; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told how many bytes there will be altogether, before they are read; ends the reading by throwing. */
  readonly expect?: (bytes: number) => void;
}

/** The whole body, or 413 as soon as it is known to be longer: by its header, else by counting what arrives. */
export async function readBody(
  request: Request,
  maxBytes: number,
  { signal, expect }: ReadBodyOptions = {},
): Promise<Uint8Array> {
  const announced = request.headers.get('content-length');
  if (Number(announced ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (announced !== null) {
    expect?.(Number(announced));
    // No server lets a body be longer than announced. On Node this takes it from the socket as it is; as a stream, it cost
    // a tenth of what a delivery costs.
    const whole = new Uint8Array(await untilAborted(request.arrayBuffer(), signal));
    if (whole.byteLength > maxBytes) throw tooLarge(maxBytes);
    return whole;
  }
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  // The rest is of no use; whoever sends it may already be gone.
  const giveUp = () => void reader.cancel().catch(() => {});
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await untilAborted(reader.read(), signal).catch((error: unknown) => {
      giveUp();
      throw error;
    });
    if (done) break;
    size += value.byteLength;
    if (size > maxBytes) {
      giveUp();
      throw tooLarge(maxBytes);
    }
    try {
      expect?.(size);
    } catch (error) {
      giveUp();
      throw error;
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
