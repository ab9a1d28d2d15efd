import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServerFolder, findServerUser } from '../setup/server-user.ts';

export interface Certificates {
  readonly folder: string;
  /** Of the authority that signed the server's. */
  readonly ca: string;
  /** Of another one. */
  readonly stranger: string;
  readonly settings: Readonly<Record<string, string>>;
}

export function noOpenssl(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'no openssl';
}

/** An authority of our own, a server's certificate for localhost, and an authority that has nothing to do with it. */
export function makeCertificates(): Certificates {
  const user = findServerUser();
  const folder = createServerFolder(user);
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => {
    const done = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${done.stderr}`);
  };
  for (const name of ['ca', 'stranger'])
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  openssl(
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  );
  writeFileSync(file('names.txt'), 'subjectAltName = DNS:localhost\n');
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names.txt',
    '-out',
    'server.pem',
  );
  chmodSync(file('server.key'), 0o600);
  if (user.uid !== undefined && user.gid !== undefined)
    for (const name of ['server.key', 'server.pem']) chownSync(file(name), user.uid, user.gid);
  return {
    folder,
    ca: file('ca.pem'),
    stranger: file('stranger.pem'),
    settings: { ssl: 'on', ssl_cert_file: file('server.pem'), ssl_key_file: file('server.key') },
  };
}
