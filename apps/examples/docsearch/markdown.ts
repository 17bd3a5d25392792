// What is worth searching in a Markdown file.

/** The title of a document: its first heading, if it has one. */
export function titleOf(markdown: string): string | undefined {
  const prose = markdown.replace(FENCED, "");
  const heading = HASHED.exec(prose) ?? UNDERLINED.exec(prose) ?? TAGGED.exec(prose);
  return heading?.[1] === undefined ? undefined : textOf(heading[1]) || undefined;
}

/** The words of a document: without pictures, the targets of links, comments and tags. Code stays: people look for names. */
export function textOf(markdown: string): string {
  return markdown
    .replace(COMMENT, " ")
    .replace(/<\/?[a-z][^<>]*>/gi, " ")
    .replace(/!\[[^\][]*\]\([^()]*\)/g, " ")
    .replace(/\[([^\][]*)\]\([^()]*\)/g, "$1")
    .replace(/^ *\[[^\][\n]+\]: .*$/gm, " ")
    .replace(/https?:\/\/\S+/g, " ")
    .replace(/[*_`#|>~]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

// None of these looks past the next beginning of the same: what is opened over and over and never closed costs no more than once.
const COMMENT = /<!--(?:(?!<!--)[\s\S])*?-->/g;
const FENCED = /^(```|~~~)(?:(?!^\1)[\s\S])*^\1/gm;
const HASHED = /^# +(.+)$/m;
const UNDERLINED = /^(.+)\n=+ *$/m;
const TAGGED = /<h1[^<>]*>((?:(?!<h1)[\s\S])*?)<\/h1>/i;
