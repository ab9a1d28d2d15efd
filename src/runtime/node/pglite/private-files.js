// @ts-check
// JavaScript, so that a thread can read it without tsx (see worker.js).
import fs from 'node:fs';

/** What a mode leaves to the owner: nothing for the group and for others. */
const ownersOnly = (/** @type {import('node:fs').Mode} */ mode) => Number(mode) & 0o700;

/**
 * Every file and folder that this thread creates from now on is its user's alone: 0600 and 0700. PGlite gives its files the mode
 * 0666, whatever the umask says, and a thread cannot set a umask.
 */
export function keepFilesPrivate() {
  const { chmodSync, fchmodSync, mkdirSync, writeFileSync } = fs;
  Object.assign(fs, {
    chmodSync: (/** @type {import('node:fs').PathLike} */ path, /** @type {number} */ mode) =>
      chmodSync(path, ownersOnly(mode)),
    fchmodSync: (/** @type {number} */ file, /** @type {number} */ mode) => fchmodSync(file, ownersOnly(mode)),
    mkdirSync: (/** @type {import('node:fs').PathLike} */ path) => mkdirSync(path, { mode: 0o700 }),
    writeFileSync: (/** @type {string} */ path, /** @type {string} */ data) =>
      writeFileSync(path, data, { mode: 0o600 }),
  });
}
