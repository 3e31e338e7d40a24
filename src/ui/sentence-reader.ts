/**
 * What a live region says of an answer that is being written: the sentences
 * finished since it last spoke, and how it ended. Without it a screen reader
 * would start anew with every token.
 */
import type { ChatMessage } from "../shared/index.ts";

const ENDINGS: Partial<Record<ChatMessage["status"], string>> = {
  failed: "The answer failed.",
  stopped: "Stopped.",
};

export class SentenceReader {
  private spoken = 0;
  private said = "";
  private follows = false;

  /**
   * @param message the last message of the conversation, as it is now
   * @returns what the live region holds; unchanged until there is something new to say
   */
  next(message: ChatMessage | undefined): string {
    if (message === undefined || message.role === "user") return this.rest();
    const writing = message.status === "queued" || message.status === "streaming";
    if (writing && !this.follows) {
      this.follows = true;
      this.spoken = 0;
    }
    if (!this.follows) return this.said;
    const end = writing ? sentenceEnd(message.text) : message.text.length;
    if (end > this.spoken) {
      this.said = message.text.slice(this.spoken, end).trim();
      this.spoken = end;
    }
    if (!writing) {
      this.follows = false;
      this.said = [this.said, ENDINGS[message.status]].filter(Boolean).join(" ");
    }
    return this.said;
  }

  private rest(): string {
    this.follows = false;
    this.spoken = 0;
    this.said = "";
    return "";
  }
}

/** The end of the last sentence or line that is complete, half-open. */
function sentenceEnd(text: string): number {
  const ends = [...text.matchAll(/[.!?:](?=\s)|[。！？]|\n/g)];
  const last = ends.at(-1);
  return last === undefined ? 0 : last.index + last[0].length;
}
