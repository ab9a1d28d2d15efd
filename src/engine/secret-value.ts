import { MalformedSecretError, MissingSecretError } from '../errors.ts';

/** A key is sent in a header; what signs a webhook may be any text. */
export type SecretUse = 'key' | 'signature';

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
  const value = env[name]?.trim() ?? '';
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

function faultOf(value: string, use: SecretUse): string | undefined {
  if (/^(["'`]).*\1$/s.test(value)) return 'is in quotes';
  if (/^<.*>$/s.test(value)) return 'is a placeholder in angle brackets';
  if (use === 'key' && /\s/.test(value)) return 'has a blank or a line break in it';
  if (use === 'key' && /[^\x21-\x7e]/.test(value)) return 'has a character in it that no HTTP header can carry';
  return undefined;
}

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
