/**
 * The page with sample states, for people who work on it:
 * `npx vite`, then /test/ui/preview.html?view=sixteen. Commands go to the console.
 */
import "../../src/ui/tabmesh-app.ts";
import { VIEWS, type ViewName } from "./sample-views.ts";

const app = document.querySelector("tabmesh-app")!;
const name = new URLSearchParams(location.search).get("view") ?? "answering";
app.view = VIEWS[(name in VIEWS ? name : "answering") as ViewName];
app.addEventListener("page-command", ({ detail }) => console.log(detail));
