const encoder = new TextEncoder();

/** HMAC of raw bytes, lower-case hex. Web Crypto only. */
export async function hmacHex(hash: 'SHA-1' | 'SHA-256', secret: string, bytes: Uint8Array): Promise<string> {
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash }, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', key, bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(signature)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Compares in a time that depends on the length of `given` only, never on where it differs. */
export function equalInConstantTime(expected: string, given: string): boolean {
  const a = encoder.encode(expected);
  const b = encoder.encode(given);
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i += 1) difference |= (a[i % Math.max(1, a.length)] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
