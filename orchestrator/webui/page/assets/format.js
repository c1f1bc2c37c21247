// Figures and names as people read them. Pure.

const KiB = 1024;

/** 12345 -> "12 KB"; sizes are powers of 1024, as file managers count them. */
export function formatBytes(bytes) {
  if (!Number.isFinite(bytes) || bytes < 0) return "";
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= KiB && unit < units.length - 1) {
    size /= KiB;
    unit++;
  }
  const digits = unit > 0 && size < 10 ? 1 : 0;
  return `${size.toFixed(digits)} ${units[unit]}`;
}

/** 3725 -> "1 h 2 min"; at most two units. */
export function formatSeconds(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "";
  if (seconds < 1) return "less than 1 s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** 3.31 -> "3.3 ms", 1480 -> "1.5 s". */
export function formatMilliseconds(ms) {
  if (!Number.isFinite(ms)) return "";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** 1234567 -> "1,234,567". */
export function formatCount(count) {
  return Number.isFinite(count) ? count.toLocaleString("en") : "";
}

/** "1 picture", "240 pictures". */
export function countOf(count, one, many = `${one}s`) {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A similarity, -1 to 1. */
export function formatScore(score, digits = 2) {
  return Number.isFinite(score) ? score.toFixed(digits) : "";
}

/** An RFC 3339 time, or Unix seconds, in the reader's own zone; what is not a time comes back as it is. */
export function formatTime(value) {
  if (value === null || value === undefined || value === "") return "";
  const at = new Date(typeof value === "number" ? value * 1000 : value);
  if (Number.isNaN(at.getTime())) return String(value);
  return at.toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}

/** The last part of a path, of either kind of slash. */
export function fileName(path) {
  const parts = String(path ?? "").split(/[\\/]/).filter(Boolean);
  return parts.length ? parts[parts.length - 1] : "";
}

/** A folder's name as words: "Granny-Smith" -> "granny smith". */
export function labelWords(label) {
  return String(label ?? "").replace(/[_-]+/g, " ").replace(/\s+/g, " ").trim().toLowerCase();
}

/** What a tile says under the picture: the label, else the file's name. */
export function caption(hit) {
  return labelWords(hit?.fields?.label) || fileName(hit?.path) || "picture";
}

/** A picture for someone who does not see it. */
export function altText(hit) {
  const label = labelWords(hit?.fields?.label);
  const name = fileName(hit?.path);
  if (label && name) return `${label}, ${name}`;
  return label || name || "picture";
}

/** A message of the service, which begins as log lines do, as a sentence. The name of a file at its start stays as it is. */
export function sentence(text) {
  return String(text ?? "").replace(/^\p{Ll}(?=[\p{L}'-]*([\s,;:]|$))/u, (first) => first.toUpperCase());
}

/** The query in quotation marks, shortened to what fits a sentence. */
export function quoted(text, most = 80) {
  const flat = String(text ?? "").replace(/\s+/g, " ").trim();
  const letters = [...flat];
  return `“${letters.length > most ? `${letters.slice(0, most).join("")}…` : flat}”`;
}
