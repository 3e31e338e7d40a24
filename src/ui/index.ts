/** The custom elements that show a room; importing this registers them. */
export { perFrame } from "./per-frame.ts";
export { TabmeshApp } from "./tabmesh-app.ts";
