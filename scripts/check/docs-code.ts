import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { listFiles } from './files.ts';
import type { Gate } from './gate.ts';

/**
 * TypeScript in Markdown is compiled as if it lay beside the document: a block may import `supasaasy`, as users do, or
 * by relative path. Its fence may say ` ```ts file=connectors/acme/index.ts ` to be compiled as that file, or ` ```ts no-check `.
 */
export const docsCode: Gate = {
  name: 'docs',
  what: 'TypeScript in the documentation compiles',
  async run(root) {
    const documents = [
      ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].filter((name) => existsSync(join(root, name))),
      ...listFiles(root, ['docs', 'connectors', 'sandbox', 'examples'], /\.md$/),
    ];
    const blocks = documents.flatMap((name) => readBlocks(name, readFileSync(join(root, name), 'utf8'), root));
    return blocks.length === 0 ? [] : compile(root, blocks);
  },
};

interface Block {
  readonly document: string;
  /** Where it is compiled as if it were there. */
  readonly path: string;
  /** The document with everything else blanked, so that lines agree. */
  readonly text: string;
}

function readBlocks(document: string, markdown: string, root: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', fence, info] = /^(\s*)(`{3,})(.*)$/.exec(lines[at] ?? '') ?? [];
    if (fence === undefined || info === undefined) continue;
    const begin = at + 1;
    do at += 1;
    while (at < lines.length && lines[at]?.trim() !== fence);
    const words = info.trim().split(/\s+/);
    if (!['ts', 'typescript'].includes(words[0] ?? '') || words.includes('no-check')) continue;
    const stated = words.find((word) => word.startsWith('file='))?.slice('file='.length);
    const code = lines.slice(begin, at).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    blocks.push({
      document,
      path: stated === undefined ? join(root, `${document}-${begin}.ts`) : join(root, stated),
      text: '\n'.repeat(begin) + code.join('\n'),
    });
  }
  return blocks;
}

/** One program for each set of blocks that claim different files: a tutorial may show the same file twice. */
function compile(root: string, blocks: readonly Block[]): string[] {
  const rounds: Map<string, Block>[] = [];
  for (const block of blocks) {
    const round = rounds.find((candidates) => !candidates.has(block.path)) ?? new Map<string, Block>();
    if (round.size === 0) rounds.push(round);
    round.set(block.path, block);
  }
  return rounds.flatMap((round) => compileRound(root, round));
}

function compileRound(root: string, blocks: ReadonlyMap<string, Block>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['README.ts'] }, ts.sys, root);
  const host = ts.createCompilerHost({ ...options, moduleDetection: ts.ModuleDetectionKind.Force });
  const { fileExists, readFile } = host;
  host.fileExists = (path) => blocks.has(path) || fileExists(path);
  host.readFile = (path) => blocks.get(path)?.text ?? readFile(path);
  const program = ts.createProgram({
    rootNames: [...blocks.keys()],
    options: { ...options, moduleDetection: ts.ModuleDetectionKind.Force, noEmit: true },
    host,
  });
  return [...blocks].flatMap(([path, { document }]) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => {
      const line = source?.getLineAndCharacterOfPosition(start).line ?? 0;
      return `${document}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
}
