/**
 * The vocabulary that all tabs share: ids, events, commands, the room's state, and how events change it.
 * Every exported name of these files belongs to it.
 */
export * from "./api-problem.ts";
export * from "./apply.ts";
export * from "./before-deadline.ts";
export * from "./bridge.ts";
export * from "./cause.ts";
export * from "./clock.ts";
export * from "./decision.ts";
export * from "./error-message.ts";
export * from "./events.ts";
export * from "./failure.ts";
export { typed } from "./failure-schema.ts";
export * from "./heterogeneity.ts";
export * from "./ids.ts";
export * from "./invitation.ts";
export * from "./kernel-report.ts";
export * from "./measurement-age.ts";
export * from "./median.ts";
export * from "./member.ts";
export * from "./mesh-failure.ts";
export * from "./model.ts";
export * from "./model-failure.ts";
export * from "./parse.ts";
export * from "./placement-reasons.ts";
export * from "./placement-rules.ts";
export * from "./room-error.ts";
export * from "./room-failure.ts";
export * from "./room-log.ts";
export * from "./room-notice.ts";
export * from "./room-secret.ts";
export * from "./sampling.ts";
export * from "./server-facts.ts";
export * from "./shard-bytes.ts";
export * from "./stage-failure.ts";
export * from "./stage-port.ts";
export * from "./stages.ts";
export * from "./state.ts";
export * from "./step-time.ts";
export * from "./thread-pool.ts";
export * from "./throttle-forecast.ts";
