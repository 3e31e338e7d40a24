/**
 * Something that the engine cannot do, in words for people. The stage's loop
 * catches it, fails the generations it concerns and tells the tab.
 */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly kind: "memory" | "device_lost" | "validation" | "unsupported" | "destroyed";

  constructor(kind: EngineError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
