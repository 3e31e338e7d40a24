/**
 * One member of the room: its identity, measurements, current state, and
 * whether people want it used. Knows the room only through `view`.
 */
import { html, nothing } from "lit";
import { FORECAST_AHEAD_MS, type Member, ratioAhead } from "../shared/index.ts";
import {
  describeFailure,
  describeForecast,
  describeNoAdapter,
  bytes,
  capitalized,
  layerRange,
  plural,
  adapterLine,
  deviceFacts,
  measuredFacts,
  type Score,
} from "../words/index.ts";
import { baseStyles } from "./base-styles.ts";
import { options } from "./fields.ts";
import { memberColor } from "./member-colors.ts";
import { memberDetails } from "./member-details.ts";
import { memberCardStyles } from "./member-card-styles.ts";
import { PageElement } from "./page-element.ts";
import "./speed-line.ts";

const USES = [
  ["auto", "Automatic"],
  ["pin", "Always use"],
  ["exclude", "Never use"],
] as const;
const USE_TONES = { auto: "", pin: "good", exclude: "warn" } as const;

export class MemberCard extends PageElement {
  static override properties = { member: { attribute: false }, removing: { state: true } };
  declare member: Member;
  /** A person has asked to remove this member and has not confirmed it. */
  declare removing?: boolean;

  override render() {
    const { member } = this;
    return html`<article
      class="card stack"
      aria-label=${member.name}
      style="--hue: ${memberColor(this.members, member.id)}"
    >
      ${this.#head()} ${this.#shard()}
      ${
        member.noAdapter === null
          ? nothing
          : html`<p class="box small ${member.noAdapter.reason === "observer" ? "" : "warn"}">
              ${describeNoAdapter(member.noAdapter)}
            </p>`
      }
      ${this.#facts()} ${this.#memory()} ${this.#slowdown()} ${this.#details()}
    </article>`;
  }

  #head() {
    const { member } = this;
    const coordinates = this.view.state?.coordinator === member.id;
    return html`<header class="line wrap">
      <span class="swatch ${member.adapter === null ? "hollow" : ""}" aria-hidden="true"></span>
      <div class="who">
        <h3>${member.name}</h3>
        <p class="quiet small">${adapterLine(member)}</p>
      </div>
      <div class="tags line wrap">
        ${this.view.self === member.id ? html`<span class="tag good">This tab</span>` : nothing}
        ${coordinates ? html`<span class="tag">Coordinator</span>` : nothing}
        ${this.#score === undefined ? nothing : html`<span class="tag" title="Suitability for running layers, from 0 to 1. See Details.">Score ${this.#score.total.toFixed(2)}</span>`}
        ${member.adapter?.software ? html`<span class="tag warn">Software</span>` : nothing}
      </div>
    </header>`;
  }

  #shard() {
    const shard = this.member.shard;
    if (shard === null) return nothing;
    const layers = capitalized(layerRange(shard));
    const cause = shard.error && describeFailure(shard.error, this.nameOf);
    if (shard.status === "failed") {
      return html`<p class="box bad small">${layers} failed: ${cause ?? "unknown error"}</p>`;
    }
    const total = bytes(shard.totalBytes);
    const loaded = shard.totalBytes === 0 ? "" : `, ${bytes(shard.loadedBytes)} of ${total}`;
    const amount = shard.status === "ready" ? total : `${shard.phase}${loaded}`;
    return html`<p class="small">
      <strong>${layers}</strong>
      <span class="quiet">(${plural(shard.end - shard.first, "layer")})</span>
      · ${amount}
      ${cause === null ? nothing : html`<span class="box warn">Loading failed and is being retried. ${cause}</span>`}
    </p>`;
  }

  /** Its measurements, and its current state. */
  #facts() {
    const { adapter, measurements, device } = this.member;
    if (adapter !== null && measurements === null)
      return html`<p class="quiet small">Not measured yet.</p>`;
    const facts = [
      ...(measurements === null ? [] : measuredFacts(measurements)),
      ...(device === null ? [] : deviceFacts(device)),
    ];
    if (facts.length === 0) return nothing;
    return html`<dl class="facts">
      ${facts.map(
        ([label, value, alert]) =>
          html`<div class=${alert ? "warn" : ""}>
            <dt>${label}</dt>
            <dd class="figure">${value}</dd>
          </div>`,
      )}
    </dl>`;
  }

  #memory() {
    const { device, measurements } = this.member;
    const budget = device?.memoryBudgetBytes ?? measurements?.memoryBudgetBytes ?? 0;
    if (budget === 0) return nothing;
    const used = device?.memoryUsedBytes ?? 0;
    const label = `${bytes(used)} of ${bytes(budget)} memory`;
    return html`<p class="memory small quiet ${used > 0.92 * budget ? "bad" : ""}">
      <progress max=${budget} value=${used} aria-label="Memory"></progress> ${label}
    </p>`;
  }

  /** The slowdown so far, how it is forecast to go on, and a warning. */
  #slowdown() {
    const { device, shard } = this.member;
    if (device === null || shard?.status !== "ready") return nothing;
    const forecast = device.forecast ?? null;
    const warning = forecast && describeForecast(forecast);
    const intervalMs = this.view.state?.settings.telemetryIntervalMs ?? FORECAST_AHEAD_MS;
    const ahead =
      forecast === null
        ? []
        : Array.from({ length: Math.ceil(FORECAST_AHEAD_MS / intervalMs) }, (_, index) =>
            ratioAhead(forecast, (index + 1) * intervalMs),
          );
    return html`<tabmesh-speed
        class="slowdown"
        title="Slowdown, and its forecast"
        .speed=${device.throttleRatio}
        .tick=${device.updatedAtMs}
        .ahead=${ahead}
      ></tabmesh-speed>
      ${warning ? html`<p class="box warn small" role="status">${warning}</p>` : nothing}`;
  }

  get #score(): Score | undefined {
    return this.view.scores?.find(({ member }) => member === this.member.id);
  }

  #details() {
    const { member, nameOf } = this;
    const links = this.view.state?.links.filter((link) => link.from === member.id) ?? [];
    return html`<footer class="line wrap spread">
      <details>
        <summary class="quiet">Details</summary>
        ${memberDetails(member, links, this.#score, nameOf)} ${this.#remove()}
      </details>
      ${member.adapter === null ? nothing : this.#use()}
    </footer>`;
  }

  #remove() {
    const { id, name } = this.member;
    const { self, state } = this.view;
    if (this.readOnly || self === null || state?.openedBy !== self || id === self) return nothing;
    const confirm = (removing: boolean) => async () => {
      this.removing = removing;
      await this.updateComplete; // the focused button is gone
      this.renderRoot.querySelector<HTMLElement>(".remove button, button.remove")?.focus();
    };
    if (!this.removing)
      return html`<button class="link bad remove" @click=${confirm(true)}>
        Remove from the room
      </button>`;
    return html`<div class="remove" role="group" aria-label="Remove ${name}">
      <p class="small" role="alert">
        Remove ${name}? The room gets a new link, and the present one stops working. If the room
        admits machines with its code now, it will admit only those with the new link.
      </p>
      <button @click=${() => this.send({ type: "remove_member", member: id })}>Remove</button>
      <button class="plain" @click=${confirm(false)}>Cancel</button>
    </div>`;
  }

  #use() {
    const { member } = this;
    const chosen = member.use ?? "auto";
    const choose = (event: Event) => {
      const use = (event.target as HTMLSelectElement).value as "auto" | "pin" | "exclude";
      this.send({ type: "choose_member", member: member.id, use });
    };
    return html`<select
      ?disabled=${this.readOnly}
      class=${USE_TONES[chosen]}
      aria-label="Use ${member.name} for computing"
      @change=${choose}
    >
      ${options(USES, chosen)}
    </select>`;
  }

  static override styles = [baseStyles, memberCardStyles];
}
customElements.define("tabmesh-member", MemberCard);
