// Every surface of the extension, once, as a person comes by it. surfaces.mjs BASE FOLDER SETTINGS [PICTURES THEME…]
import { inWindow } from './window.mjs';

const [, , base, folder, settings, pictures, ...themes] = process.argv;
const THEMES = { dark: 'Default Dark Modern', light: 'Default Light Modern', contrast: 'Default High Contrast' };
const BEGUN = '\n\n\ndef net_price(items, tax_rate):\n    total = 0\n    for item in items:\n        '; // then: price =

async function similar(window) {
    await window.open('shop/orders.py', 6);
    await window.press('Control+K', 'k');
    const hit = await window.sees('.pane-body .monaco-list-row', 'invoice_total');
    const label = await hit.getAttribute('aria-label');
    if (!/^invoice_total, (identical|renamed), \d+ %, shop\/invoices\.py:4/.test(label)) {
        throw new Error(`a screen reader says: ${label}`);
    }
    await window.rests(hit, 'def invoice_total');
    await window.leaves(hit);
    const other = await window.sees('.pane-body .monaco-list-row', 'stockValue');
    await window.rests(other, 'function stockValue');
    await window.picture('similar');
    await window.leaves(other);
}

/** By keys alone: into the view, down to the hit, and its comparison. */
async function compare(window) {
    await window.command('Focus on Similar Code View');
    await window.press('Home', 'ArrowDown'); // no click, no selection
    await window.sees('.pane-body .monaco-list-row.focused', 'invoice_total');
    await window.press('d');
    await window.sees('.tab.active', '↔');
    await window.sees('.monaco-diff-editor .view-line', 'def invoice_total');
    await window.picture('compare');
    await window.closeTab();
}

async function peek(window) {
    await window.open('shop/orders.py', 6);
    await window.command('codekin: Peek Similar Code');
    await window.sees('.peekview-widget', 'invoices.py');
    await window.picture('peek');
    await window.press('Escape');
    await window.loses('.peekview-widget');
}

async function search(window) {
    await window.press('Control+K', 'j');
    await window.sees('.quick-input-widget', 'Search by Meaning');
    await window.type('hand the parcel to the carrier');
    await window.sees('.quick-input-list .monaco-list-row', 'ship_order');
    await window.sees('.tab.active', 'orders.py'); // its preview
    await window.picture('search');
    await window.press('Enter');
    await window.loses('.quick-input-widget');
    await window.press('Control+K', 'j');
    await window.sees('.quick-input-list .monaco-list-row', 'hand the parcel to the carrier'); // remembered
    await window.press('Escape');
    await window.sees('.monaco-editor.focused');
}

/** Go to Symbol in Workspace: by name, for of a question VS Code hands on the first word only. */
async function symbols(window) {
    await window.press('Control+T');
    await window.sees('.quick-input-widget input');
    await window.type('parsed_hea');
    await window.sees('.quick-input-list .monaco-list-row', 'parsed_header');
    await window.picture('symbols');
    await window.press('Escape');
    await window.loses('.quick-input-widget');
}

async function ghost(window) {
    await window.open('web/cookies.py', 1);
    await window.moveToEnd(8);
    await window.paste(BEGUN);
    await window.type('price = ');
    await window.sees('.ghost-text-decoration, .ghost-text', 'item');
    await window.picture('ghost');
    await window.press('Tab');
    await window.sees('.view-line', 'price = item.price * item.quantity'.replaceAll(' ', '\u00a0'));
    await window.command('File: Revert File');
}

async function ambient(window) {
    window.configure({ 'codekin.lens.enabled': true, 'codekin.duplicates.enabled': true });
    await window.open('shop/invoices.py', 4);
    await window.sees('.codelens-decoration', ' similar');
    await window.press('Control+Shift+M');
    await window.sees('.markers-panel .monaco-list-row', 'same code as');
    await window.open('shop/invoices.py', 4);
    await window.press('Control+.');
    await window.sees('.action-widget', 'Compare with');
    await window.picture('duplicates');
    await window.press('Escape');
    await window.press('Control+J');
    window.configure({ 'codekin.lens.enabled': false, 'codekin.duplicates.enabled': false });
    await window.loses('.codelens-decoration');
}

async function state(window) {
    const braces = await window.sees('#status\\.languageStatus, [id="status.languageStatus"]');
    await window.rests(braces, 'codekin: ready');
    await window.picture('state');
    await window.leaves(braces);
    await window.command('codekin: Actions');
    await window.sees('.quick-input-widget', 'Pause indexing');
    await window.picture('menu');
    await window.press('Escape');
}

async function page(window) {
    await window.command('codekin: Show Status');
    await window.sees('.tab.active', 'codekin');
    const inside = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    await inside.locator('canvas').first().waitFor({ timeout: 30_000 });
    await window.picture('status');
    await window.closeTab();
}

async function walkthrough(window) {
    await window.command('Welcome: Open Walkthrough');
    await window.type('codekin');
    await window.press('Enter');
    await window.sees('.getting-started-step', 'Find similar code').then((step) => step.click());
    await window.sees('.getting-started-step.expanded', 'Delete dismisses');
    await window.picture('walkthrough');
    await window.closeTab();
}

await inWindow({ base, folder, settings, pictures }, async (window) => {
    await window.sees('.explorer-folders-view .monaco-list-row', 'shop');
    await window.explore('web/cookies.py', 'shop/invoices.py', 'shop/orders.py');
    const named = window.picture.bind(window);
    for (const theme of themes.length ? themes : ['dark']) {
        window.configure({ 'workbench.colorTheme': THEMES[theme] });
        window.picture = (name) => named(`${name}-${theme}`);
        for (const surface of [similar, compare, peek, search, symbols, ghost, ambient, state, page, walkthrough]) {
            const start = Date.now();
            await surface(window);
            console.log(theme, surface.name, `${Date.now() - start} ms`);
        }
    }
});
