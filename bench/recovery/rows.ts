/** A measured value beside its bound, printed as a table or as one JSON object per line. Pure. */
export type Row = {
  readonly what: string;
  /** NaN if it was not measured. */
  readonly value: number;
  readonly unit: "ms" | "bytes" | "share" | "count";
  /** The value must not be above it; null if nothing is required. */
  readonly bound: number | null;
  readonly note: string;
};

export function printRows(title: string, rows: readonly Row[], json: boolean): void {
  if (json) for (const row of rows) console.log(JSON.stringify({ suite: title, ...row }));
  else console.log(tableOf(rows).join("\n"));
}

/** A Markdown table, so that it can be copied into the documentation. */
export function tableOf(rows: readonly Row[]): string[] {
  const cells = rows.map(({ what, value, unit, bound, note }) => [
    what,
    text(value, unit),
    bound === null ? "" : text(bound, unit),
    bound === null ? "" : value <= bound ? "met" : "missed",
    note,
  ]);
  const lines = [["what", "measured", "bound", "", "note"], ...cells];
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((line) => line[column]!.length)),
  );
  const line = (parts: readonly string[]) =>
    `| ${parts.map((part, column) => part.padEnd(widths[column]!)).join(" | ")} |`;
  const [head, ...body] = lines.map(line);
  return [head!, line(widths.map((width) => "-".repeat(width))), ...body];
}

function text(value: number, unit: Row["unit"]): string {
  if (Number.isNaN(value)) return "not measured";
  switch (unit) {
    case "ms":
      return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
    case "bytes":
      return `${(value / 1e6).toFixed(1)} MB`;
    case "share":
      return `${(value * 100).toFixed(1)} %`;
    case "count":
      return String(value);
  }
}
