/** The page without its elements: commands in, the view that the elements show out. */
export { Page } from "./page.ts";
