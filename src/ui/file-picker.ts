/** A button that opens a file of this machine. */
import { html, type TemplateResult } from "lit";
import { icon } from "./icons.ts";

/** `accept` is that of `<input type="file">`; the same file can be picked again. */
export function filePicker(
  label: string,
  accept: string,
  onFile: (file: File) => void,
): TemplateResult {
  const pick = ({ target }: Event): void => {
    const field = target as HTMLInputElement;
    const [file] = field.files ?? [];
    if (file !== undefined) onFile(file);
    field.value = "";
  };
  return html`<label class="button file">
    ${icon("file")} ${label}
    <input type="file" class="unseen" accept=${accept} @change=${pick} />
  </label>`;
}
