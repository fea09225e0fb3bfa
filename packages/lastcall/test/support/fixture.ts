import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
/** `.js` where the tests were compiled for a Node that lacks some of their syntax. */
const EXTENSION = extname(import.meta.filename);

/** The path of a program in `fixtures/`, as this Node can run it. */
export const fixture = (file: string): string => FIXTURES + file.replace(/\.ts$/, EXTENSION);
