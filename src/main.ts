/** Builds the page and joins it to what it shows: state in, commands out. */
import { Page } from "./app/page.ts";
import "./ui/tabmesh-app.ts";

const app = document.querySelector("tabmesh-app");
if (app === null) throw new Error("index.html has no <tabmesh-app>");

const page = new Page((view) => {
  app.view = view;
});
app.send = (command) => void page.act(command);
app.addEventListener("model-file", ({ detail }) => void page.takeFile(detail.file));
app.addEventListener("stages-draft", ({ detail }) => page.draft(detail.model, detail.stages));
