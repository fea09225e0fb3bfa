// A token is a word or one punctuation mark, with the space before it: joining tokens gives the text.
const tokenPattern = / ?(?:[\p{L}\p{N}]+(?:['’_./-][\p{L}\p{N}]+)*|[^\s\p{L}\p{N}])/gu;

/** Splits text into tokens; any run of white space counts as one space. */
export function tokenize(text: string): string[] {
  return text.replaceAll(/\s+/g, ' ').trim().match(tokenPattern) ?? [];
}

/** The form under which the model knows a token: without its space, so that a line's first word is no stranger. */
export function bareToken(token: string): string {
  return token.trimStart();
}
