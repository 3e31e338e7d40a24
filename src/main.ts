/** Creates the page's controller and connects it to `<tabmesh-app>`: state in, commands out. */
import { Page } from "./page/index.ts";
import { perFrame } from "./ui/index.ts";

const app = document.querySelector("tabmesh-app");
if (app === null) throw new Error("index.html has no <tabmesh-app>");

const page = new Page(
  app.view,
  perFrame((view) => {
    app.view = view;
  }),
);
app.addEventListener("page-command", ({ detail }) => void page.act(detail));
// The room learns at once that this tab is gone, so that it gets its name back after a reload.
addEventListener("pagehide", ({ persisted }) => {
  if (!persisted) page.unload();
});
// A link that is opened in a tab of this page changes only the fragment.
addEventListener("hashchange", () => location.reload());
