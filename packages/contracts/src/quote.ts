// Text that may come from anywhere, made fit for a message or a log line.

/** Quotes `text`: cut at `longest` characters, everything but printable ASCII escaped, so that nothing can end the line or look like something else. */
export function quote(text: string, longest: number): string {
  const escaped = JSON.stringify(text.slice(0, longest)).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length > longest ? `${escaped}…` : escaped;
}
