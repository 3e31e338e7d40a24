/**
 * What the live region announces of an answer that is being written: the sentences
 * completed since the last announcement, and how the answer ended. Without it, a
 * screen reader would start over with every token.
 */
import { describeAnswerStatus } from "../words/index.ts";
import type { ChatMessage } from "./page-view.ts";

export class AnswerAnnouncer {
  #announcedEnd = 0;
  #announcement = "";
  #isFollowing = false;

  /**
   * @param message the last message of the conversation, as it is now
   * @returns what the live region holds; unchanged until there is something to announce
   */
  next(message: ChatMessage | undefined): string {
    if (message === undefined || message.role === "user") {
      this.#isFollowing = false;
      this.#announcement = "";
      return "";
    }
    const isWriting = message.status === "queued" || message.status === "streaming";
    if (isWriting && !this.#isFollowing) {
      this.#isFollowing = true;
      this.#announcedEnd = 0;
    }
    if (!this.#isFollowing) return this.#announcement;
    const { text } = message;
    const end = isWriting ? sentenceEnd(text, this.#announcedEnd) : text.length;
    if (end > this.#announcedEnd) {
      this.#announcement = text.slice(this.#announcedEnd, end).trim();
      this.#announcedEnd = end;
    }
    if (!isWriting) {
      this.#isFollowing = false;
      this.#announcement += ` ${describeAnswerStatus(message) ?? ""}`;
    }
    return this.#announcement;
  }
}

/** The end of the last complete sentence or line after `from`, exclusive; `from` without one. */
function sentenceEnd(text: string, from: number): number {
  const last = [...text.slice(from).matchAll(/[.!?:](?=\s)|[。！？]|\n/g)].at(-1);
  return last === undefined ? from : from + last.index + last[0].length;
}
