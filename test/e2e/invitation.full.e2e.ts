/**
 * A room's link in real tabs: its secret stays out of everything that leaves the browser in clear text,
 * outlives a reload of the only tab, and admits where the code does not. A reloaded tab keeps its name
 * and color too.
 */
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningServer } from "../../server/server.ts";
import {
  launchChromium,
  noticeWith,
  openPage,
  openRoomPage,
  STEP_TIMEOUT_MS,
} from "../../tools/room/e2e-pages.ts";
import { openE2eServer } from "../../tools/room/e2e-room.ts";
import { RoomApi } from "../../tools/room/room-api.ts";

const CODE = "SECRTS";

let server: RunningServer;
let browser: Browser;
let api: RoomApi;

beforeAll(async () => {
  server = await openE2eServer();
  browser = await launchChromium();
  api = new RoomApi(server.addresses[0]!, CODE);
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

const address = (path: string) => `${server.addresses[0]!}/${path}`;

/** A tab of its own browser profile. Observers need no adapter. */
async function observer(fragment = ""): Promise<Page> {
  const context = await browser.newContext();
  if (fragment === "") return openPage(context, address(`?room=${CODE}&join&observe`));
  // As a person who opens the link in a tab that shows the page already: only the fragment changes.
  const page = await openPage(context, address("?join&observe"));
  await page.goto(address(`?join&observe#${fragment}`));
  return page;
}

const membersAre = (count: number) =>
  api.waitFor(`${count} members`, STEP_TIMEOUT_MS, ({ members }) => members.length === count);

const inside = (page: Page) => page.locator("tabmesh-members").waitFor();

async function openInvitation(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Invite: QR code and link" }).click();
  return (await page.locator("tabmesh-share .link").innerText()).trim();
}

async function rename(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Rename" }).click();
  await api.waitFor(name, STEP_TIMEOUT_MS, ({ members }) =>
    members.some((member) => member.name === name),
  );
}

const choose = (page: Page, choice: string) => page.getByLabel(choice).check();

/** All that a page sends to servers. */
function sentBy(page: Page): string[] {
  const sent: string[] = [];
  page.on("request", (request) => {
    sent.push(request.url(), JSON.stringify(request.headers()), request.postData() ?? "");
  });
  page.on("websocket", (socket) => {
    sent.push(socket.url());
    socket.on("framesent", ({ payload }) => sent.push(String(payload)));
  });
  return sent;
}

test("the link admits, the code does not where only the link does, and a lock admits nobody new", async () => {
  const first = await openRoomPage(
    await browser.newContext(),
    address(`?room=${CODE}&join&observe`),
  );
  const sent = sentBy(first);
  const link = await openInvitation(first);
  const fragment = new URL(link).hash.slice(1);
  const secret = fragment.split(".")[1]!;
  expect(fragment).toMatch(/^SECRTS\.[\w-]{43}$/);

  // The server knows the room's key: a tab with another secret would get no requests.
  await first.reload();
  await inside(first);
  await api.waitFor("the reloaded tab", STEP_TIMEOUT_MS, ({ epoch }) => epoch === 2);
  expect(await openInvitation(first)).toBe(link);

  await choose(first, "Only with the link");
  await noticeWith(await observer(), "only with its link");
  const second = await observer(fragment);
  sent.push(...sentBy(second));
  await inside(second);
  expect(second.url()).not.toContain(secret);
  await membersAre(2);

  await choose(first, "Nobody: the room is locked");
  await second.getByText("Locked").waitFor();
  await noticeWith(await observer(fragment), "This room is locked");
  await second.goto("about:blank");
  await membersAre(1);
  await second.goBack();
  await inside(second);
  await membersAre(2);

  // Alone in its room, a new tab would have the first color and the browser's name.
  await rename(second, "Kitchen");
  await first.close();
  await membersAre(1);
  const before = await api.state();
  await second.reload();
  await inside(second);
  const after = await api.waitFor(
    "the reloaded tab",
    STEP_TIMEOUT_MS,
    ({ epoch, members }) => epoch > before.epoch && members.length === 1,
  );
  expect(before.members).toMatchObject([{ name: "Kitchen", color: 1 }]);
  expect(after.members).toMatchObject([{ name: "Kitchen", color: 1 }]);

  expect(sent.length).toBeGreaterThan(20);
  expect(sent.filter((text) => text.includes(secret))).toEqual([]);
});
