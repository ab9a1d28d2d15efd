import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Published engines to compare with. */
export const PEERS = ['@stripe/sync-engine', '@supabase/stripe-sync-engine'] as const;
export type Peer = (typeof PEERS)[number];

export const PEER_VERSIONS: Readonly<Record<Peer, string>> = {
  '@stripe/sync-engine': '1.0.32',
  '@supabase/stripe-sync-engine': '0.48.5',
};

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url));
const LONGEST_MS = 300_000;

/** Installs them beside the bench, once. */
export function installPeers(say: (text: string) => void): void {
  if (existsSync(`${FOLDER}node_modules`)) return;
  say('installing the peers');
  const { status, stderr } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm ci in bench/peers failed:\n${stderr}`);
}

/**
 * Stripe's own engine makes its tables from Stripe's OpenAPI file of 2020-03-02, which it would download:
 * `STRIPE_OPENAPI_SPEC` names a copy. Undefined: that peer is left out.
 */
export const openApiSpec = (): string | undefined => process.env['STRIPE_OPENAPI_SPEC'] || undefined;

export interface PeerResult {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** All customers of the sandbox into an empty database; the time is that of the sync alone, without its migrations. */
export async function runPeer(peer: Peer, databaseUrl: string, sandboxUrl: string): Promise<PeerResult> {
  const order = { peer, databaseUrl, sandboxUrl, openApiSpecPath: openApiSpec(), workers: 25 };
  const child = spawn(process.execPath, [`${FOLDER}run-peer.mjs`, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(late);
  if (code !== 0) throw new Error(`${peer} ended with ${code}: ${err.slice(-2_000)}`);
  return JSON.parse(out) as PeerResult;
}
