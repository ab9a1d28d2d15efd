import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: string;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  /** Load of the last minute before the bench began: above 0.5 somebody else was at work. */
  readonly load: number;
}

export function describeMachine(
  postgres: string,
  settings = 'its default settings (fsync, synchronous_commit and full_page_writes on)',
): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? arch(),
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${nameOfSystem()}, ${platform()} ${release().split('-')[0]}`,
    node: process.version,
    postgres: `${postgres}, ${settings}`,
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

function nameOfSystem(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? platform();
  } catch {
    return platform();
  }
}
