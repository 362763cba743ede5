/** What loads extensions: a database of better-sqlite3, node:sqlite, libsql or Bun. */
export interface Loader {
  loadExtension(path: string): unknown;
}

export interface Options {
  /** Only what reads, and no way to write. */
  readonly?: boolean;
}

/** The path of the library for this platform. Throws an Error that says so if its package is not installed. */
export function getLoadablePath(options?: Options): string;

/** Gives `db` all functions and tables. */
export function load(db: Loader, options?: Options): void;
