// How TypeScript sees the package: tests/dist/npm.sh compiles this as a module, and as CommonJS.
import { getLoadablePath, load } from 'sqlite-mmap';

const path: string = getLoadablePath({ readonly: true });
load({ loadExtension(file: string) { return file.length + path.length; } }, { readonly: false });
// @ts-expect-error: it is no database
load({});
// @ts-expect-error: there is no such option
getLoadablePath({ writable: true });
