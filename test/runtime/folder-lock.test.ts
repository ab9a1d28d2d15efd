import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type ClaimSteps, claimFolder, LockBusyError } from '../../src/runtime/node/folder-claim.ts';
import { lockFolder } from '../../src/runtime/node/folder-lock.ts';
import { announcerOf, type LockFiles } from '../../src/runtime/node/lock-files.ts';

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'supasaasy-lock-'));
  folder = join(parent, 'pglite');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A process id that no process has: that of one which has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve));
  return child.pid as number;
}

describe('C19: the lock of an embedded folder', () => {
  it('is given once in a process, and leaves no file behind', () => {
    const free = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(`in use by process ${process.pid}`);
    free();
    expect(readdirSync(parent)).toEqual([]);
    lockFolder(folder)();
  });

  it('is taken over from a process that is dead, with what it had announced', async () => {
    const dead = await deadPid();
    writeFileSync(`${folder}.lock`, String(dead));
    writeFileSync(`${folder}.lock.${dead}-0123456789abcdef`, '');
    lockFolder(folder)();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is refused while a process holds it that knows the file of the owner only (0.1.0)', () => {
    writeFileSync(`${folder}.lock`, String(process.ppid));
    expect(() => lockFolder(folder)).toThrow(`in use by process ${process.ppid}`);
    expect(readdirSync(parent)).toEqual(['pglite.lock']);
  });

  it('has exactly one owner in every order of the steps of two and three processes over a stale lock', () => {
    expect(explore([101, 102], 13)).toBeGreaterThan(1_000);
    expect(explore([101, 102, 103], 8)).toBeGreaterThan(1_000);
  }, 120_000);

  it('has exactly one owner when 16 processes start over a stale lock at once, in each of 20 rounds', async () => {
    const dead = await deadPid();
    const racers = Array.from({ length: 16 }, () => startRacer());
    await Promise.all(racers.map((racer) => racer.answer()));
    for (let round = 0; round < 20; round += 1) {
      writeFileSync(`${folder}.lock`, String(dead));
      writeFileSync(`${folder}.lock.${dead}-0123456789abcdef`, '');
      for (const racer of racers) racer.say('lock');
      const answers = await Promise.all(racers.map((racer) => racer.answer()));
      expect(answers.filter((answer) => answer === 'owner')).toHaveLength(1);
      expect(answers.filter((answer) => answer === 'busy')).toHaveLength(15);
      for (const racer of racers) racer.say('free');
      await Promise.all(racers.map((racer) => racer.answer()));
    }
  }, 600_000);
});

/** A process that locks and frees the folder at a word. */
function startRacer() {
  const path = new URL('../../src/runtime/node/folder-lock.ts', import.meta.url).href;
  const script = `
    import { createInterface } from 'node:readline';
    import { lockFolder } from '${path}';
    let free = () => {};
    console.log('ready');
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === 'free') { free(); free = () => {}; console.log('freed'); continue; }
      try { free = lockFolder(${JSON.stringify(folder)}); console.log('owner'); }
      catch (error) { console.log(error.constructor.name === 'FolderInUseError' ? 'busy' : error.message); }
    }`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  let heard = () => {};
  let text = '';
  let ended = false;
  child.once('close', () => {
    ended = true;
    heard();
  });
  child.stdout.on('data', (chunk) => {
    text += chunk;
    const parts = text.split('\n');
    text = parts.pop() ?? '';
    lines.push(...parts);
    heard();
  });
  return {
    say: (word: string) => void child.stdin.write(`${word}\n`),
    async answer(): Promise<string> {
      while (lines.length === 0) {
        if (ended) throw new Error('the racer ended without an answer');
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      return lines.shift() ?? '';
    },
  };
}

/**
 * Runs the claims of these processes in every order of their first steps, over the lock of a dead process; the rest of
 * each story is one step after the other. Returns how many stories there were.
 */
function explore(pids: readonly number[], depth: number): number {
  let stories = 0;
  const schedule: number[] = [];
  const visit = () => {
    if (schedule.length === depth) {
      stories += 1;
      return playStory(pids, schedule);
    }
    for (const [index] of pids.entries()) {
      schedule.push(index);
      visit();
      schedule.pop();
    }
  };
  visit();
  return stories;
}

function playStory(pids: readonly number[], schedule: readonly number[]): void {
  const world = createWorld(new Set(pids), 99);
  const claims: { steps: ClaimSteps<() => void>; outcome?: 'owner' | 'busy' }[] = pids.map((pid) => ({
    steps: claimFolder(world.filesOf(pid), pid),
  }));
  const advance = (index: number) => {
    const claim = claims[index];
    if (claim === undefined || claim.outcome !== undefined) return;
    try {
      if (claim.steps.next().done === true) claim.outcome = 'owner';
    } catch (error) {
      if (!(error instanceof LockBusyError)) throw error;
      claim.outcome = 'busy';
    }
    const owners = claims.filter(({ outcome }) => outcome === 'owner').length;
    if (owners > 1) throw new Error(`two owners after ${schedule.join(' ')}`);
  };
  for (const index of schedule) advance(index);
  for (let turn = 0; claims.some(({ outcome }) => outcome === undefined); turn += 1) {
    if (turn > 10_000) throw new Error(`no end after ${schedule.join(' ')}`);
    advance(turn % pids.length);
  }
  const owners = claims.filter(({ outcome }) => outcome === 'owner').length;
  if (owners !== 1) throw new Error(`${owners} owners after ${schedule.join(' ')}`);
}

/** The files as names in memory: one operation is one step. */
function createWorld(alive: ReadonlySet<number>, dead: number) {
  let owner: number | undefined = dead;
  const names = new Set([`x.lock.${dead}-0123456789abcdef`]);
  let made = 0;
  return {
    filesOf: (_pid: number): LockFiles => ({
      readOwner: () => owner,
      writeOwner: (pid) => {
        owner = pid;
      },
      removeOwner: () => {
        owner = undefined;
      },
      announce(pid) {
        made += 1;
        const name = `x.lock.${pid}-${made.toString(16).padStart(16, '0')}`;
        names.add(name);
        return name;
      },
      list: () => [...names].filter((name) => announcerOf(name) > 0),
      remove: (name) => void names.delete(name),
      isAlive: (pid) => alive.has(pid),
    }),
  };
}
