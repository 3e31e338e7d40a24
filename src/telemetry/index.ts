/** Watches the device: samples, their history, and whether the device is throttled. */
export { DeviceMonitor } from "./monitor.ts";
export { openSources, type Sources, type SourceScope } from "./sources.ts";
