'use strict';

// The package with the library for this platform, which npm has chosen by its os, cpu and libc.
function platformPackage() {
  const { platform, arch } = process;
  const isMusl = platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  return `sqlite-mmap-${platform}${isMusl ? 'musl' : ''}-${arch}`;
}

function getLoadablePath({ readonly = false } = {}) {
  const name = readonly ? 'mmapro' : 'mmap0';
  const file = `${platformPackage()}/${name}${process.platform === 'win32' ? '.dll' : '.so'}`;
  try {
    return require.resolve(file);
  } catch (error) {
    throw new Error(`sqlite-mmap: ${file} is not installed: there is no such package for this platform,`
      + ' or npm was told to leave out optional dependencies', { cause: error });
  }
}

function load(db, options) {
  db.loadExtension(getLoadablePath(options));
}

module.exports = { getLoadablePath, load };
