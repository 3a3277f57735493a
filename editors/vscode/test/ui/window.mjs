// A window of VS Code in a browser, as a person uses it: by keys and by what can be seen.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { chromium } from 'playwright-core';

const LONG_MS = 60_000; // far more than anything here takes, also on a machine that is busy

export class Window {
    constructor(page, { settings, pictures }) {
        Object.assign(this, { page, settings, pictures });
    }

    /** What the selector finds with the text in it, once it can be seen. */
    async sees(selector, text = '') {
        const found = this.page.locator(selector).filter({ hasText: text, visible: true }).first();
        await found.waitFor({ timeout: LONG_MS }).catch(() => {
            throw new Error(`${selector} with ${text} is not seen`);
        });
        return found;
    }

    /** Rest on what can be seen until there is a hover with the text: one that is drawn anew has to be come upon again. */
    async rests(target, text) {
        const hover = this.page.locator('.monaco-hover').filter({ hasText: text, visible: true }).first();
        for (const end = Date.now() + LONG_MS; Date.now() < end; ) {
            await this.page.mouse.move(600, 500);
            await target.hover();
            if (await hover.waitFor({ timeout: 2_000 }).then(() => true, () => false)) {
                return;
            }
        }
        throw new Error(`no hover says ${text}`);
    }

    /** Leave what was rested on until its hover has gone: one that comes while the mouse goes has not seen it go. */
    async leaves(target) {
        const hover = this.page.locator('.monaco-hover').filter({ visible: true }).first();
        for (const end = Date.now() + LONG_MS; Date.now() < end; ) {
            await target.hover();
            await this.page.mouse.move(600, 500);
            if (await hover.waitFor({ state: 'hidden', timeout: 2_000 }).then(() => true, () => false)) {
                return;
            }
        }
        throw new Error('a hover stays');
    }

    async loses(selector, text = '') {
        const left = this.page.locator(selector).filter({ hasText: text, visible: true });
        await left.first().waitFor({ state: 'hidden', timeout: LONG_MS });
    }

    press(...keys) {
        return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
    }

    type(text) {
        return this.page.keyboard.type(text);
    }

    /** Whole, as it is. */
    paste(text) {
        return this.page.keyboard.insertText(text);
    }

    /** Carry out a command by its title. */
    async command(title) {
        await this.press('F1');
        await this.sees('.quick-input-widget input');
        await this.type(title);
        const row = await this.sees('.quick-input-list .monaco-list-row', title);
        await row.click();
    }

    /** Open files of the folder from the explorer, which waits for no search. */
    async explore(...files) {
        for (const file of files) {
            const [folder, name] = file.split('/');
            const row = this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name });
            if (!(await row.isVisible())) {
                await (await this.sees('.explorer-folders-view .monaco-list-row', folder)).click();
            }
            await (await this.sees('.explorer-folders-view .monaco-list-row', name)).dblclick();
            await this.sees('.tab.active', name);
        }
    }

    /** Go to a line, as a person counts, of a file that has a tab. */
    async open(file, line) {
        const name = path.basename(file);
        await (await this.sees('.tab', name)).click();
        await this.sees('.tab.active', name);
        await this.press('Control+G');
        await this.sees('.quick-input-widget input');
        await this.type(String(line));
        await this.sees('.quick-input-list .monaco-list-row', `line ${line}`);
        await this.press('Enter');
        await this.loses('.quick-input-widget'); // until then it gets the keys, also where the editor looks focused
        await this.sees('.monaco-editor.focused .line-numbers.active-line-number', new RegExp(`^${line}$`));
    }

    /** Move the cursor to the end of the file, which is on this line: an editor that just got the focus misses keys. */
    async moveToEnd(line) {
        const position = this.page.locator('.statusbar-item', { hasText: new RegExp(`Ln ${line}, Col 1\\b`) }).first();
        for (const end = Date.now() + LONG_MS; Date.now() < end; ) {
            await this.press('Control+End');
            if (await position.waitFor({ timeout: 2_000 }).then(() => true, () => false)) {
                return;
            }
        }
        throw new Error(`the cursor does not move to line ${line}`);
    }

    /** By the mouse: what is in the tab may still be about to take the focus, and with it the keys. */
    async closeTab() {
        const last = this.page.locator('.tab').nth((await this.page.locator('.tab').count()) - 1);
        await (await this.sees('.tab.active')).click({ button: 'middle' });
        await last.waitFor({ state: 'detached', timeout: LONG_MS });
        await this.page.mouse.move(600, 500); // and rests on none
    }

    /** Change the user's settings, as their file is edited. */
    configure(values) {
        const settings = { ...JSON.parse(fs.readFileSync(this.settings, 'utf8')), ...values };
        for (const folder of ['User', 'Machine']) {
            fs.writeFileSync(path.join(path.dirname(this.settings), '..', folder, 'settings.json'), JSON.stringify(settings));
        }
    }

    /** What was seen, for those who look on. */
    async picture(name) {
        if (this.pictures) {
            await this.page.waitForTimeout(400); // what moves has come to rest
            await this.page.screenshot({ path: path.join(this.pictures, `${name}.png`) });
        }
    }
}

/** Do something in a new window on the folder, and end with its success. */
export async function inWindow(place, act) {
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
    const page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
    page.setDefaultTimeout(LONG_MS);
    const said = [];
    page.on('console', (message) => said.push(`[${message.type()}] ${message.text().slice(0, 300)}`));
    const window = new Window(page, place);
    const late = setTimeout(() => void fail(new Error('this takes too long')), Number(process.env.MOST_MS));
    async function fail(error) {
        console.log(error.stack, '\n', said.slice(-20).join('\n'));
        const words = await page.locator('body').innerText({ timeout: 2_000 }).catch(() => '');
        console.log('what could be read:', words.replace(/\s*\n\s*/g, ' | ').slice(0, 3_000));
        await window.picture('failed').catch(() => undefined);
        process.exit(1);
    }
    try {
        await page.goto(`${place.base}/?folder=${encodeURIComponent(place.folder)}`);
        await act(window);
        clearTimeout(late);
        await browser.close();
    } catch (error) {
        await fail(error);
    }
}
