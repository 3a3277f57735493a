// A package with a server works with nothing installed. bundled.mjs BASE FOLDER SETTINGS [PICTURES]
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, pictures] = process.argv;

await runInWindow({ base, folder, settings, pictures }, async (window) => {
    await window.openFromExplorer('shop/orders.py');
    await window.goToLine('shop/orders.py', 6);
    await window.pressKeys('Control+K', 'g');
    await window.waitForVisible('.pane-body .monaco-list-row', 'invoice_total');
    await window.runCommand('codekin: Show Status');
    const frame = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    await frame.getByText('(part of this extension)').waitFor();
    await window.takeScreenshot('bundled');
});
