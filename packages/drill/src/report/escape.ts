// Text into HTML and XML; what a server said is shown, never obeyed.

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Also leaves out the control characters that XML 1.0 section 2.2 forbids. */
export function escapeMarkup(text: string): string {
  return stripControls(text).replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}

/** Without control characters other than tab and line feed: they could drive a terminal. */
export function stripControls(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd');
}
