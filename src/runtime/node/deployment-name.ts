import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Config } from '../../config.ts';
import { DEFAULT_DEPLOYMENT } from '../../engine/fleet/declare.ts';

/** An embedded database has one owner, wherever its folder lies. */
export const EMBEDDED_DEPLOYMENT = 'embedded';

/**
 * The name under which this deployment declares: `deployment` of the configuration, else the name of the package beside
 * it, else that of its folder. The same for a server and a laptop that have the same project.
 */
export function deploymentName(config: Pick<Config, 'deployment'>, folder: string): string {
  return config.deployment ?? toName(packageName(folder) ?? basename(resolve(folder)));
}

function packageName(folder: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

function toName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64);
  return name === '' ? DEFAULT_DEPLOYMENT : name;
}
