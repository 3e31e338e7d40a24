/** An element that is a modal dialog of the browser. Its content exists only while it is open. */
import { html, nothing, type PropertyDeclarations, type TemplateResult } from "lit";
import { iconButton } from "./icons.ts";
import { PageElement } from "./page-element.ts";

export class DialogElement extends PageElement {
  static override properties: PropertyDeclarations = { isOpen: { state: true } };
  declare isOpen?: boolean;

  show(): void {
    this.isOpen = true;
    this.renderRoot.querySelector("dialog")!.showModal();
  }

  protected close(): void {
    this.renderRoot.querySelector("dialog")!.close();
  }

  /** A click outside of it closes it if `closedBy` is "any", and Escape always. */
  protected dialog(label: string, closedBy: "any" | "closerequest", content: () => TemplateResult) {
    return html`<dialog
      aria-labelledby="label"
      closedby=${closedBy}
      @close=${() => (this.isOpen = false)}
    >
      <div class="line spread">
        <h2 id="label">${label}</h2>
        ${iconButton("Close", "close", () => this.close())}
      </div>
      ${this.isOpen ? content() : nothing}
    </dialog>`;
  }
}
