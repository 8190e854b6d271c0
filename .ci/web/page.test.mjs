// Looks at the page as people do: with a real browser, wide and narrow, light and dark, by keyboard,
// without scripts, and through the eyes of axe-core. internal/web/browser_test.go starts the servers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const { BAD, CALM, BIG, GUARDED, CHANGING, TOKEN, SHARE, SHOTS, CHROMIUM } = process.env;
const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const pages = {
  overview: "/", incidents: "/incidents?all=1", incident: "/incidents/12", network: "/incidents/14", targets: "/targets", target: "/targets/192.0.2.10",
  lists: "/lists", list: "/lists/spamcop", receivers: "/receivers", receiver: "/receivers/Cisco%20Talos", search: "/search?q=spam", missing: "/nowhere",
};
const wide = { width: 1280, height: 900 }, telephone = { width: 390, height: 844 }, wall = { width: 2560, height: 1440 };

let browser;
before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }); });
after(async () => { await browser?.close(); });

// visit opens a page and gives it with all that must not happen on it.
const visit = async (base, path, options = {}) => {
  const context = await browser.newContext({ viewport: wide, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (m) => { if (["error", "warning"].includes(m.type()) && !/status of 404|status of 422/.test(m.text())) wrong.push(m.text()); });
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("request", (r) => { if (new URL(r.url()).origin !== new URL(base).origin) wrong.push("asked " + r.url()); });
  await page.goto(base + path, { waitUntil: "load" });
  return { page, context, wrong, done: async () => { await context.close(); assert.deepEqual(wrong, []); } };
};

const shot = (page, name) => page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });

const judge = async (page, what) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  assert.deepEqual(violations.map((v) => `${what}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target + " " + (n.any[0]?.message ?? "")).join("; ")}`), []);
};

for (const [name, path] of Object.entries(pages)) {
  test(`${name}: accessible, quiet and within the window`, async () => {
    for (const [how, options] of Object.entries({
      light: { colorScheme: "light" }, dark: { colorScheme: "dark" }, telephone: { viewport: telephone, isMobile: true, hasTouch: true },
    })) {
      const { page, done } = await visit(BAD, path, options);
      await judge(page, how);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `${how}: ${over} pixels wider than the window`);
      await shot(page, `${name}-${how}`);
      await done();
    }
  });
}

test("a calm day says so, a wall screen is filled", async () => {
  const { page, done } = await visit(CALM, "/", { viewport: wall });
  assert.match(await page.locator("h1").innerText(), /^All clear/);
  await judge(page, "calm");
  await shot(page, "calm-wall");
  await done();
});

test("a thousand addresses on sixty lists stay readable", async () => {
  const { page, done } = await visit(BIG, "/targets");
  const table = page.getByRole("region", { name: "Targets and lists" });
  assert.ok(await table.getByRole("row").count() <= 220);
  assert.ok((await page.locator("body").innerText()).includes("left out"));
  const head = page.locator(".matrix .corner"), x = (await head.boundingBox()).x;
  await table.evaluate((e) => { e.scrollLeft = 500; });
  assert.equal((await head.boundingBox()).x, x, "the names of the rows scroll away");
  await shot(page, "matrix-big");
  await done();
});

test("without scripts everything is there", async () => {
  const read = async (options) => {
    const { page, done } = await visit(BAD, "/", options);
    const text = await page.locator("main").innerText();
    await done();
    return text;
  };
  assert.equal(await read({ javaScriptEnabled: false }), await read({}));
});

test("the keyboard reaches what matters first", async () => {
  const { page, done } = await visit(BAD, "/");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "192.0.2.10 is listed by SpamCop");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none", "nobody sees where the focus is");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/incidents/12");
  await done();
});

test("a letter is read and copied, and what is drawn has its numbers", async () => {
  const { page, context, done } = await visit(BAD, "/incidents/12");
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByText("To the postmaster of example.net").click();
  await judge(page, "with an open letter");
  await page.getByRole("button", { name: "copy the letter" }).click();
  await page.getByRole("button", { name: "copied" }).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^Dear colleague,\n\nyour servers refuse/);
  await shot(page, "incident-letter");
  await page.goto(BAD + "/");
  const rate = page.getByRole("article").filter({ hasText: "Validity Sender Score" });
  await rate.getByText("How it is read").click();
  await rate.getByText("higher is better; told below 70").waitFor();
  assert.ok(await rate.getByRole("row").count() > 5);
  await judge(page, "with an open rating");
  await done();
});

test("signing in and acknowledging, by keyboard alone", async () => {
  const { page, done } = await visit(GUARDED, "/incidents/12");
  assert.match(page.url(), /\/signin\?next=/);
  await judge(page, "sign-in");
  await shot(page, "signin");
  await page.keyboard.type(TOKEN); // the field has the focus
  await page.keyboard.press("Enter");
  await page.waitForURL("**/incidents/12");
  await judge(page, "signed in");
  await shot(page, "incident-signed-in");
  await page.getByRole("button", { name: "Acknowledge" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForLoadState("networkidle");
  assert.match(page.url(), /\/incidents\/12$/);
  await page.getByText("Silence", { exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Reason").fill("moving the servers");
  await judge(page, "with an open form");
  await shot(page, "incident-silence");
  await done();
});

test("a share link needs no signing in, leads nowhere else and is accessible", async () => {
  for (const [how, base, path, options] of [
    ["light", GUARDED, SHARE, { colorScheme: "light" }], ["dark", GUARDED, SHARE, { colorScheme: "dark" }],
    ["telephone", GUARDED, SHARE, { viewport: telephone, isMobile: true, hasTouch: true }], ["no-script", GUARDED, SHARE, { javaScriptEnabled: false }],
    ["calm", CALM, SHARE, {}], ["missing", GUARDED, "x" + SHARE, {}],
  ]) {
    const { page, done } = await visit(base, "/share/" + path, options);
    if (how !== "no-script") await judge(page, "share, " + how);
    assert.equal(await page.locator("a, form, script, button").count(), 0, how);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${how}: ${over} pixels wider than the window`);
    await shot(page, `share-${how}`);
    await done();
  }
});

test("share links are made and ended by who has signed in", async () => {
  const { page, done } = await visit(GUARDED, "/shares");
  await page.getByLabel("Token").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/shares");
  await judge(page, "share links");
  await page.getByLabel("Whom it is for").fill("Example GmbH");
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.getByText("/share/" + SHARE).waitFor();
  await judge(page, "a new link");
  assert.ok(!page.url().includes(SHARE));
  await shot(page, "shares");
  await page.getByRole("button", { name: "revoke link 3" }).click();
  await page.waitForLoadState("networkidle");
  assert.match(page.url(), /\/shares$/);
  await done();
});

test("the page refreshes itself, says what is new, and disturbs nobody", async () => {
  const c = await browser.newContext({ viewport: wide }), p = await c.newPage();
  await p.clock.install();
  await p.goto(CHANGING + "/");
  assert.match(await p.locator("h1").innerText(), /^2 incidents/);
  await p.locator("#refusals-table summary").click();
  await p.clock.runFor(31000);
  await p.waitForFunction(() => document.querySelector("h1").textContent.startsWith("3 incidents"));
  assert.match(await p.locator("#said").textContent(), /^3 incidents/);
  assert.ok(await p.locator("#refusals-table").evaluate((d) => d.open), "what was opened is closed again");
  assert.match(await p.title(), /^3 incidents/);
  await p.locator("#q").fill("typing");
  await p.clock.runFor(31000);
  assert.equal(await p.locator("#q").inputValue(), "typing");
  await c.setOffline(true);
  await p.locator("h1").click();
  await p.evaluate(() => document.activeElement.blur());
  await p.clock.runFor(31000);
  await p.locator("#stale").waitFor({ state: "visible" });
  await c.close();
});

// The pictures of docs/img: DOCS=1 REPUTED_SHOTS=dir go test ./internal/web -run TestBrowser.
test("pictures for the docs", { skip: !process.env.DOCS }, async () => {
  for (const [name, base, path, options] of [
    ["docs-overview", BAD, "/", { viewport: { width: 1040, height: 780 } }],
    ["docs-incident", BAD, "/incidents/12", { viewport: { width: 1040, height: 900 } }],
    ["docs-ratings", BAD, "/#h-rates", { viewport: { width: 1040, height: 430 } }],
    ["docs-matrix-dark", BIG, "/targets", { viewport: { width: 1040, height: 560 }, colorScheme: "dark" }],
    ["docs-telephone", BAD, "/", { viewport: telephone, isMobile: true, hasTouch: true }],
  ]) {
    const { page, done } = await visit(base, path, options);
    await page.screenshot({ path: `${SHOTS}/${name}.png` });
    await done();
  }
});
