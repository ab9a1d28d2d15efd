import { MalformedSecretError, MissingSecretError } from '../errors.ts';

/** A key is sent in a header; what signs a webhook may be any text. */
export type SecretUse = 'key' | 'signature';

/** Blanks, line ends, control characters, and those that no one sees: U+00A0, U+200B, U+FEFF and their like. */
const UNSEEN = '\\s\\p{Cc}\\p{Cf}\\p{Zs}';
const AROUND = new RegExp(`^[${UNSEEN}]+|[${UNSEEN}]+$`, 'gu');
/** A blank may be meant, in the middle of a text. */
const INSIDE = new RegExp(`(?! )[${UNSEEN}]`, 'u');
const QUOTE = /^["'`\u00ab\u00bb\u2018-\u201f]|["'`\u00ab\u00bb\u2018-\u201f]$/;

/** The value without what came along when it was copied, and means nothing at the end of any secret or address. */
export function trimUnseen(value: string): string {
  return value.replace(AROUND, '');
}

/**
 * A secret out of the environment, without blanks and line ends around it. Throws `MissingSecretError`, or
 * `MalformedSecretError` for a value that can be no secret. Neither shows the value.
 */
export function readSecret(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  owner: string,
  use: SecretUse,
): string {
  const value = trimUnseen(env[name] ?? '');
  if (value === '')
    throw new MissingSecretError(
      `${owner} needs the environment variable ${name}: put it into .env or the function's secrets`,
    );
  const fault = faultOf(value, use);
  if (fault !== undefined)
    throw new MalformedSecretError(
      `${owner}: the value of ${name} ${fault}: correct it in .env or the function's secrets`,
    );
  return value;
}

/** What is wrong with a secret, without any part of it; undefined where nothing is. */
export function faultOf(value: string, use: SecretUse): string | undefined {
  if (/^(["'`]).*\1$/s.test(value)) return 'is in quotes';
  if (QUOTE.test(value)) return 'begins or ends with a quote';
  if (/^<.*>$/s.test(value)) return 'is a placeholder in angle brackets';
  if (use === 'key' && /\s/.test(value)) return 'has a blank or a line break in it';
  const unseen = INSIDE.exec(value)?.[0];
  if (unseen !== undefined) return `has a line break or an invisible character in it (${codeOf(unseen)})`;
  if (use === 'key' && /[^\x21-\x7e]/.test(value)) return 'has a character in it that no HTTP header can carry';
  return undefined;
}

const codeOf = (char: string) => `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** What `readSecret` would throw. */
export function findSecretProblem(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  owner: string,
  use: SecretUse,
): MissingSecretError | undefined {
  try {
    readSecret(env, name, owner, use);
    return undefined;
  } catch (error) {
    if (error instanceof MissingSecretError) return error;
    throw error;
  }
}
