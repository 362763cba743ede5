import sqliteMmap from './index.cjs';

export const { getLoadablePath, load } = sqliteMmap;
