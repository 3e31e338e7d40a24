/** The custom elements that show a room; importing this registers them. */
import "./tabmesh-app.ts";
