/** The folder (or file) `path` beside a module: `folderBeside(import.meta.url, './migrations/')`. Bundlers look into no call. */
export const folderBeside = (moduleUrl: string, path: string): URL => new URL(path, moduleUrl);
