// Uses every surface of the extension once, as a user does. surfaces.mjs BASE FOLDER SETTINGS [PICTURES THEME…]
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, pictures, ...themes] = process.argv;
const THEMES = { dark: 'Default Dark Modern', light: 'Default Light Modern', contrast: 'Default High Contrast' };
const BEGINNING = '\n\n\ndef net_price(items, tax_rate):\n    total = 0\n    for item in items:\n        '; // continues with: price =

async function similar(window) {
    await window.goToLine('shop/orders.py', 6);
    await window.pressKeys('Control+K', 'g');
    await window.waitForVisible('.pane-body .monaco-list-row', 'Similar to total_price'); // results of a search have such rows, too
    const hit = await window.waitForVisible('.pane-body .monaco-list-row', 'invoice_total');
    const label = await hit.getAttribute('aria-label');
    if (!/^invoice_total, (identical|renamed), \d+%, shop\/invoices\.py:4/.test(label)) {
        throw new Error(`the label for screen readers is: ${label}`);
    }
    await window.hoverUntil(hit, 'def invoice_total');
    await window.leaveHover(hit);
    const other = await window.waitForVisible('.pane-body .monaco-list-row', 'basket_total');
    await window.hoverUntil(other, 'def basket_total');
    await window.takeScreenshot('similar');
    await window.leaveHover(other);
}

/** Compare by keys alone: focus the view, move to the hit, press D. */
async function compare(window) {
    await window.runCommand('Focus on Similar Code View');
    await window.pressKeys('Home', 'ArrowDown', 'ArrowDown'); // past the source and the group, without a click
    await window.waitForVisible('.pane-body .monaco-list-row.focused', 'invoice_total');
    await window.pressKeys('d');
    await window.waitForVisible('.tab.active', '↔');
    await window.waitForVisible('.monaco-diff-editor .view-line', 'def invoice_total');
    await window.takeScreenshot('compare');
    await window.closeTab();
}

/** After a click on a hit, keys act on the list and never on the code. */
async function dismiss(window) {
    await window.goToLine('shop/orders.py', 6);
    await window.pressKeys('Control+K', 'g');
    await window.repeatUntil(async () => {
        // An answer that comes meanwhile draws another hit in the row.
        await (await window.waitForVisible('.pane-body .monaco-list-row', 'invoice_total')).click();
        await window.page.locator('.tab.active', { hasText: 'invoices.py' }).waitFor({ timeout: 5_000 });
    }, 'the hit is not shown');
    await window.waitForVisible('.pane-body .monaco-list-row.focused', 'invoice_total');
    await window.pressKeys('Delete');
    await window.waitForHidden('.pane-body .monaco-list-row', 'invoice_total');
    await window.waitForVisible('.pane-body .monaco-list-row.focused.selected'); // the next hit
    await window.pressKeys('d');
    await window.waitForVisible('.tab.active', '↔');
    await window.closeTab();
    await window.assertClean();
}

async function peek(window) {
    await window.goToLine('shop/orders.py', 6);
    await window.runCommand('codekin: Peek Similar Code');
    await window.waitForVisible('.peekview-widget', 'invoices.py');
    await window.takeScreenshot('peek');
    await window.pressKeys('Escape');
    await window.waitForHidden('.peekview-widget');
}

async function openSearch(window) {
    await window.openQuickInput('Control+K', 'Shift+G');
    await window.waitForVisible('.quick-input-widget', 'Search by Meaning');
}

/** Hits come by score, also where names of lower ones contain the query. */
async function assertBestFirst(window) {
    await window.waitForVisible('.quick-input-list .monaco-list-row', 'basket_total');
    const rows = await window.page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
    const scores = rows.map((row) => Number(/(\d+)%/.exec(row)?.[1]));
    if (rows.length < 3 || scores.some((score, index) => score > scores[index - 1])) {
        throw new Error(`the hits are not listed by score: ${rows.join(' | ')}`);
    }
}

/** The previewed code is marked by a background or a border, as the theme has it. */
async function waitForHighlight(window) {
    await window.page.waitForFunction(() =>
        [...document.querySelectorAll('.view-overlays [class*="ced-"]')].some((element) => {
            const { backgroundColor, borderLeftColor, borderLeftWidth } = getComputedStyle(element);
            const isVisible = (colour) => !/transparent|, 0\)$/.test(colour);
            return isVisible(backgroundColor) || (borderLeftWidth !== '0px' && isVisible(borderLeftColor));
        }),
    );
}

async function search(window) {
    await window.goToLine('shop/invoices.py', 4);
    await openSearch(window);
    await window.typeText('total');
    await assertBestFirst(window);
    await window.pressKeys('Control+A');
    await window.typeText('hand the parcel to a carrier and remember the number');
    await window.waitForVisible('.quick-input-list .monaco-list-row.focused', 'ship_order');
    await window.waitForVisible('.tab.active', 'invoices.py'); // nothing is previewed while typing
    await window.repeatUntil(async () => {
        await window.pressKeys('ArrowDown', 'ArrowUp'); // without effect when the answer to the last letters comes later
        await window.page.locator('.tab.active', { hasText: 'orders.py' }).waitFor({ timeout: 5_000 });
    }, 'the hit is not previewed');
    await waitForHighlight(window);
    await window.takeScreenshot('search');
    await window.pressKeys('Escape');
    await window.waitForHidden('.quick-input-widget');
    await window.waitForVisible('.tab.active', 'invoices.py');
    await window.waitForVisible('.monaco-editor.focused .line-numbers.active-line-number', /^4$/);
    await openSearch(window);
    await window.typeText('hand the parcel to a carrier and remember the number');
    await window.waitForVisible('.quick-input-list .monaco-list-row.focused', 'ship_order');
    await window.pressKeys('Enter');
    await window.waitForHidden('.quick-input-widget');
    await window.waitForVisible('.tab.active', 'orders.py');
    await openSearch(window);
    await window.typeText('hand the parcel to a carrier and remember the number');
    await window.waitForVisible('.quick-input-list .monaco-list-row.focused', 'ship_order');
    const keepButton = await window.waitForVisible('.quick-input-titlebar .codicon-list-flat');
    await keepButton.dispatchEvent('click'); // a tooltip may be in the way of the mouse
    await window.waitForVisible('.pane-body .monaco-list-row', 'Results for "hand');
    await window.waitForVisible('.pane-body .monaco-list-row', 'ship_order');
    await window.takeScreenshot('results');
    await window.goToLine('shop/orders.py', 6);
    await openSearch(window);
    await window.waitForVisible(
        '.quick-input-list .monaco-list-row',
        'hand the parcel to a carrier and remember the number',
    ); // in the history
    await window.pressKeys('Escape');
    await window.waitForVisible('.monaco-editor.focused');
}

/** Go to Symbol in Workspace, by name: of a question, VS Code sends only the first word. */
async function symbols(window) {
    await window.openQuickInput('Control+T');
    await window.typeText('parsed_hea');
    await window.waitForVisible('.quick-input-list .monaco-list-row', 'parsed_header');
    await window.takeScreenshot('symbols');
    await window.pressKeys('Escape');
    await window.waitForHidden('.quick-input-widget');
}

async function ghost(window) {
    await window.goToLine('web/cookies.py', 1);
    await window.moveToEnd(8);
    await window.pasteText(BEGINNING);
    await window.typeText('price = ');
    await window.waitForVisible('.ghost-text-decoration, .ghost-text', 'item');
    await window.takeScreenshot('ghost');
    await window.pressKeys('Tab');
    await window.waitForVisible('.view-line', 'price = item.price * item.quantity'.replaceAll(' ', '\u00a0'));
    await window.runCommand('File: Revert File');
}

async function diagnostics(window) {
    window.writeSettings({ 'codekin.lens.enabled': true, 'codekin.duplicates.enabled': true });
    await window.goToLine('shop/invoices.py', 4);
    await window.waitForVisible('.codelens-decoration', ' similar');
    await window.pressKeys('Control+Shift+M');
    await window.waitForVisible('.markers-panel .monaco-list-row', 'same code as');
    await window.goToLine('shop/invoices.py', 4);
    await window.pressKeys('Control+.');
    await window.waitForVisible('.action-widget', 'Compare with');
    await window.takeScreenshot('duplicates');
    await window.pressKeys('Escape');
    await window.pressKeys('Control+J');
    window.writeSettings({ 'codekin.lens.enabled': false, 'codekin.duplicates.enabled': false });
    await window.waitForHidden('.codelens-decoration');
}

async function state(window) {
    const statusItem = await window.waitForVisible('.statusbar-item', 'codekin');
    await window.hoverUntil(statusItem, /codekin \d+\.\d+\.\d+: ready/);
    await window.takeScreenshot('state');
    await window.leaveHover(statusItem);
    await statusItem.click();
    await window.waitForVisible('.quick-input-list .monaco-list-row', 'Pause indexing');
    await window.takeScreenshot('menu');
    await (await window.waitForVisible('.quick-input-list .monaco-list-row', 'Turn completions off')).click();
    await window.waitForVisible('.statusbar-item .codicon-circle-slash');
    await window.runCommand('codekin: Toggle Completions');
    await window.waitForVisible('.statusbar-item .codicon-sparkle');
}

async function statusPage(window) {
    await window.runCommand('codekin: Show Status');
    await window.waitForVisible('.tab.active', 'codekin');
    const frame = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    await frame.locator('canvas').first().waitFor({ timeout: 30_000 });
    await frame.locator('#find').fill('total');
    await frame.locator('#find-next').click();
    await frame.locator('#find-count', { hasText: /^1 of \d+: \w*total/ }).waitFor();
    await window.takeScreenshot('map-find');
    await frame.locator('#reset-view').click();
    await frame.locator('#find').fill('');
    await window.takeScreenshot('status');
    await window.closeTab();
}

/** Without a function there is no map; it is drawn once there are some. */
async function emptyMap(window) {
    window.writeSettings({ 'codekin.index.exclude': ['**'] });
    await window.runCommand('codekin: Show Status');
    const frame = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    await frame.locator('.tile', { hasText: /^0\s*files/ }).waitFor();
    await frame.locator('#draw-map').click();
    await frame.locator('#map-status', { hasText: 'No functions are indexed yet.' }).waitFor();
    await frame.locator('canvas#map').waitFor({ state: 'hidden' });
    window.writeSettings({ 'codekin.index.exclude': [] });
    await frame.locator('canvas#map').waitFor();
    await window.closeTab();
}

async function walkthrough(window) {
    await window.runCommand('Welcome: Open Walkthrough');
    await window.openQuickInput();
    await window.typeText('codekin');
    await window.pressKeys('Enter');
    await window.waitForVisible('.getting-started-step', 'Find similar code').then((step) => step.click());
    await window.waitForVisible('.getting-started-step.expanded', 'Delete to dismiss');
    for (const step of ['server', 'similar', 'search', 'completions']) {
        await window.waitForVisible(`[data-done-step-id$="#${step}"].complete`); // done by the earlier surfaces
    }
    await window.takeScreenshot('walkthrough');
    await window.closeTab();
}

/** The extension's page shows the README, without pictures that VS Code cannot load, and the changelog. */
async function extensionPage(window) {
    const row = window.page.locator('.extensions-list .monaco-list-row', { hasText: 'codekin' }).first();
    await window.repeatUntil(async () => {
        await window.pressKeys('Control+Shift+X');
        await row.click({ timeout: 10_000 });
    }, 'the extension is not listed');
    await window.waitForVisible('.extension-editor .gallery-banner, .extension-editor .header', 'codekin');
    const frame = window.page.frameLocator('.webview.ready >> visible=true').frameLocator('#active-frame');
    await frame.locator('h2', { hasText: 'The first minute' }).waitFor();
    if (await frame.locator('img').count()) {
        throw new Error('the README has a picture');
    }
    await window.takeScreenshot('extension');
    await (await window.waitForVisible('.extension-editor .action-label', /^Changelog$/i)).click();
    await frame.locator('h2', { hasText: '0.1.0' }).waitFor();
    await window.closeTab();
    await window.pressKeys('Control+Shift+E');
}

await runInWindow({ base, folder, settings, pictures }, async (window) => {
    await window.waitForVisible('.explorer-folders-view .monaco-list-row', 'shop');
    await window.openFromExplorer('web/cookies.py', 'shop/invoices.py', 'shop/orders.py');
    const takeScreenshot = window.takeScreenshot.bind(window);
    for (const theme of themes.length ? themes : ['dark']) {
        window.writeSettings({ 'workbench.colorTheme': THEMES[theme] });
        window.takeScreenshot = (name) => takeScreenshot(`${name}-${theme}`);
        for (const surface of [
            similar,
            compare,
            dismiss,
            peek,
            search,
            symbols,
            ghost,
            diagnostics,
            state,
            statusPage,
            emptyMap,
            walkthrough,
            extensionPage,
        ]) {
            await surface(window);
            console.log(theme, surface.name);
        }
    }
});
