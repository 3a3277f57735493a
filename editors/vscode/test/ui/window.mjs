// Drives a window of VS Code in a browser as a user does: by keys, the mouse and what is visible.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { chromium } from 'playwright-core';

const TIMEOUT_MS = 60_000; // far more than any condition needs, even on a busy machine
const SLOW_MS = 15_000; // for what takes a busy machine its time, before the step is repeated
const RETRY_MS = 2_000; // before an action that had no effect is repeated

export class Window {
    constructor(page, { settings, pictures }) {
        Object.assign(this, { page, settings, pictures });
    }

    /** Wait until an element with the text is visible, and return it. */
    async waitForVisible(selector, text = '') {
        const element = this.page.locator(selector).filter({ hasText: text, visible: true }).first();
        await element.waitFor({ timeout: TIMEOUT_MS }).catch(() => {
            throw new Error(`${selector} with the text ${text} is not visible`);
        });
        return element;
    }

    /** Repeat a step until it succeeds: what VS Code still does for an earlier step may undo it. */
    async repeatUntil(step, failure) {
        for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; ) {
            if (
                await step().then(
                    () => true,
                    () => false,
                )
            ) {
                return;
            }
        }
        throw new Error(failure);
    }

    /** Hover over an element until a tooltip with the text appears. Moves away first: the element may be redrawn. */
    async hoverUntil(target, text) {
        const hover = this.page.locator('.monaco-hover').filter({ hasText: text, visible: true }).first();
        await this.repeatUntil(async () => {
            await this.page.mouse.move(600, 500);
            await target.hover();
            await hover.waitFor({ timeout: RETRY_MS });
        }, `no tooltip contains ${text}`);
    }

    /** Move away from an element until its tooltip is hidden: a tooltip that was just opening misses the first move. */
    async leaveHover(target) {
        const hover = this.page.locator('.monaco-hover').filter({ visible: true }).first();
        await this.repeatUntil(async () => {
            await target.hover();
            await this.page.mouse.move(600, 500);
            await hover.waitFor({ state: 'hidden', timeout: RETRY_MS });
        }, 'the tooltip stays visible');
    }

    /** Wait until no element with the text is visible. */
    async waitForHidden(selector, text = '') {
        const elements = this.page.locator(selector).filter({ hasText: text, visible: true });
        await elements.first().waitFor({ state: 'hidden', timeout: TIMEOUT_MS });
    }

    async pressKeys(...keys) {
        for (const key of keys) {
            await this.page.keyboard.press(key);
        }
    }

    typeText(text) {
        return this.page.keyboard.type(text);
    }

    /** Insert the text at once, without key strokes. */
    pasteText(text) {
        return this.page.keyboard.insertText(text);
    }

    /** Open a quick input by its keys, and wait until it receives the keys. Return its text field. */
    async openQuickInput(...keys) {
        const input = this.page.locator('.quick-input-widget input:focus').first();
        await this.repeatUntil(async () => {
            if (!(await this.page.locator('.quick-input-widget').first().isVisible())) {
                await this.pressKeys(...keys);
            }
            await input.waitFor({ timeout: RETRY_MS });
        }, `${keys} did not open a quick input`);
        return input;
    }

    /** Run a command by its title in the command palette. */
    async runCommand(title) {
        await this.repeatUntil(async () => {
            const input = await this.openQuickInput('F1');
            await input.fill(`>${title}`, { timeout: RETRY_MS }); // never into the editor
            const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
            await row.click({ timeout: SLOW_MS });
        }, `${title} is not a command`);
    }

    /** Open files in the explorer, which needs no search. */
    async openFromExplorer(...files) {
        for (const file of files) {
            const [folder, name] = file.split('/');
            const row = this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name });
            if (!(await row.isVisible())) {
                await (await this.waitForVisible('.explorer-folders-view .monaco-list-row', folder)).click();
            }
            await (await this.waitForVisible('.explorer-folders-view .monaco-list-row', name)).dblclick();
            await this.waitForVisible('.tab.active', name);
        }
    }

    /** Go to a line, counted from 1, of a file that has a tab. */
    async goToLine(file, line) {
        const name = path.basename(file);
        const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: `line ${line}` }).first();
        const lineNumber = this.page.locator('.monaco-editor.focused .line-numbers.active-line-number');
        await this.repeatUntil(async () => {
            await (await this.waitForVisible('.tab', name)).click();
            await this.waitForVisible('.tab.active', name);
            const input = await this.openQuickInput('Control+G');
            await input.fill(`:${line}`, { timeout: RETRY_MS }); // never into the editor
            await row.waitFor({ timeout: SLOW_MS });
            await input.press('Enter', { timeout: RETRY_MS });
            await this.waitForHidden('.quick-input-widget'); // until then it receives the keys, even if the editor looks focused
            await lineNumber
                .filter({ hasText: new RegExp(`^${line}$`) })
                .first()
                .waitFor({ timeout: SLOW_MS });
        }, `the cursor did not move to line ${line} of ${file}`);
    }

    /** Move the cursor to the end of the file, which is this line. Repeats the key: a newly focused editor misses some. */
    async moveToEnd(line) {
        const position = this.page.locator('.statusbar-item', { hasText: new RegExp(`Ln ${line}, Col 1\\b`) }).first();
        await this.repeatUntil(async () => {
            await this.pressKeys('Control+End');
            await position.waitFor({ timeout: RETRY_MS });
        }, `the cursor did not move to line ${line}`);
    }

    /** Close the active tab by the mouse: its content may be about to take the focus, and with it the keys. */
    async closeTab() {
        await this.page.mouse.move(600, 500); // a tooltip may cover the tab
        const lastTab = this.page.locator('.tab').nth((await this.page.locator('.tab').count()) - 1);
        await (await this.waitForVisible('.tab.active')).click({ button: 'middle' });
        await lastTab.waitFor({ state: 'detached', timeout: TIMEOUT_MS });
        await this.page.mouse.move(600, 500); // away from the other tabs
    }

    /** Check that no document has unsaved changes. */
    async assertClean() {
        const dirty = await this.page.locator('.tab.dirty').allInnerTexts();
        if (dirty.length) {
            throw new Error(`unsaved changes in ${dirty.join(', ')}`);
        }
    }

    /** Read the user’s settings file. */
    readSettings() {
        return JSON.parse(fs.readFileSync(this.settings, 'utf8'));
    }

    /** Write the user's and the machine's settings files. */
    writeSettings(values) {
        const settings = { ...this.readSettings(), ...values };
        for (const folder of ['User', 'Machine']) {
            fs.writeFileSync(
                path.join(path.dirname(this.settings), '..', folder, 'settings.json'),
                JSON.stringify(settings),
            );
        }
    }

    /** Save a screenshot, if pictures were requested. */
    async takeScreenshot(name) {
        if (this.pictures) {
            await this.page.waitForTimeout(400); // animations have finished
            await this.page.screenshot({ path: path.join(this.pictures, `${name}.png`) });
        }
    }
}

/** Run a scenario in a new window on the folder. Exits with 1 if it fails. */
export async function runInWindow(options, scenario) {
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
    const page = await browser.newPage({ viewport: { width: 1000, height: 640 }, locale: options.locale ?? 'en-US' });
    page.setDefaultTimeout(TIMEOUT_MS);
    const consoleLines = [];
    page.on('console', (message) => consoleLines.push(`[${message.type()}] ${message.text().slice(0, 300)}`));
    const window = new Window(page, options);
    const timeout = setTimeout(() => void fail(new Error('the scenario timed out')), Number(process.env.TIMEOUT_MS));
    async function fail(error) {
        console.log(error.stack, '\n', consoleLines.slice(-20).join('\n'));
        const text = await page
            .locator('body')
            // biome-ignore lint/performance/useDomNodeTextContent: only what is visible
            .innerText({ timeout: RETRY_MS })
            .catch(() => '');
        console.log('visible text:', text.replace(/\s*\n\s*/g, ' | ').slice(0, 3_000));
        await window.takeScreenshot('failed').catch(() => undefined);
        process.exit(1);
    }
    try {
        await page.goto(`${options.base}/?folder=${encodeURIComponent(options.folder)}`);
        await scenario(window);
        clearTimeout(timeout);
        await browser.close();
    } catch (error) {
        await fail(error);
    }
}
