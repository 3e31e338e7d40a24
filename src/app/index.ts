/** The page without its elements: the parts of one tab, put together, and the view that the elements show. */
export { checkAdapter } from "./adapter-check.ts";
export { identityOf, keepIdentityOf } from "./identity.ts";
export { Page } from "./page.ts";
export { openTabParts, type TabParts } from "./tab-parts.ts";
