/** The controller of the page: carries out commands, and builds the view that the elements show. */
export { Page } from "./page.ts";
