/** Watches the device: samples, and whether the device is throttled. */
export { DeviceMonitor } from "./monitor.ts";
export { openSources, type Sources, type SourceScope } from "./sources.ts";
