/** What a member's card shows on request: limits, signals, score, kernels, and links. */
import { html, nothing } from "lit";
import type { KernelChoice, KernelReport, Link, Member } from "../shared/index.ts";
import {
  describeKernelChoice,
  describeTuning,
  type Fact,
  limitFacts,
  linkText,
  type NameOf,
  type Score,
  scoreFacts,
  signalFacts,
} from "../words/index.ts";

/** `links` are those from this member. */
export function memberDetails(
  member: Member,
  links: readonly Link[],
  score: Score | undefined,
  nameOf: NameOf,
) {
  const { adapter, device, shard } = member;
  const limits = limitFacts(member);
  const kernels = shard?.kernels ?? null;
  const isEmpty = limits.length + links.length === 0 && kernels === null;
  return html`
    ${factList("Adapter", limits)}
    ${
      adapter === null
        ? nothing
        : html`<p class="features small quiet">
            Features: ${adapter.features.join(", ") || "none"}
          </p>`
    }
    ${factList("Signals", device === null ? [] : signalFacts(device))}
    ${factList("Score (0 to 1)", score === undefined ? [] : scoreFacts(score))}
    ${kernels === null ? nothing : kernelList(kernels)}
    ${factList(
      "Links",
      links.map((link) => [`to ${nameOf(link.to)}`, linkText(link)]),
    )}
    ${isEmpty ? html`<p class="small quiet">No further information about this member.</p>` : nothing}
  `;
}

function kernelList(kernels: KernelReport) {
  return html`<h4>Selected kernels</h4>
    <p class="small quiet">What this GPU runs, and how it was chosen.</p>
    <ul class="small lines">
      ${describeTuning(kernels).map((line) => html`<li>${line}</li>`)}
      ${kernels.choices.map(kernelItem)}
    </ul>`;
}

function kernelItem(choice: KernelChoice) {
  const { work, winner, others } = describeKernelChoice(choice);
  return html`<li>${work}: <b>${winner}</b>${others}</li>`;
}

function factList(title: string, facts: readonly Fact[]) {
  if (facts.length === 0) return nothing;
  return html`<h4>${title}</h4>
    <dl class="list">
      ${facts.map(
        ([label, value]) =>
          html`<dt>${label}</dt>
            <dd class="figure">${value}</dd>`,
      )}
    </dl>`;
}
