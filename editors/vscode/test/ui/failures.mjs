// Failures of the server, their messages and remedies. failures.mjs BASE FOLDER SETTINGS PROGRAMS INSTALLER [PICTURES]
// PROGRAMS contains servers of another version (old) and that exit at once (failing). None is found at first.
import * as path from 'node:path';
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, programs, installer, pictures] = process.argv;

await runInWindow({ base, folder, settings, pictures }, async (window) => {
    const waitForToast = (text) => window.waitForVisible('.notification-toast', text);
    const acceptDialog = async (text, button, picture) => {
        await window.waitForVisible('.monaco-dialog-box', text);
        await window.takeScreenshot(picture);
        await (await window.waitForVisible('.monaco-dialog-box .monaco-button', button)).click();
    };
    async function dismissToasts() {
        await window.runCommand('Notifications: Clear All Notifications');
        await window.waitForHidden('.notification-toast');
    }

    await window.waitForVisible('.statusbar-item', 'Restricted Mode');

    const missing = await waitForToast('was not found in the selected interpreter or on PATH');
    await window.takeScreenshot('missing');
    await missing.locator('.monaco-button', { hasText: 'Install Server' }).click();
    const progress = waitForToast(/Creating a virtual environment|Installing codekin/); // uv finishes the first step at once
    await acceptDialog('Creates a virtual environment', `Install with ${installer}`, 'install');
    await progress;
    await window.takeScreenshot('installing');
    await waitForToast('The codekin server is installed');
    await dismissToasts();
    await window.openFromExplorer('shop/orders.py');
    await window.goToLine('shop/orders.py', 6);
    await window.pressKeys('Control+K', 'k');
    await window.waitForVisible('.pane-body .monaco-list-row', 'invoice_total');

    window.writeSettings({ 'codekin.path': path.join(programs, 'none') });
    await waitForToast("isn't an executable");
    await dismissToasts();
    window.writeSettings({ 'codekin.path': path.join(programs, 'old') });
    await waitForToast('server is version 0.0.9');
    await window.takeScreenshot('version');
    await dismissToasts();
    window.writeSettings({ 'codekin.path': path.join(programs, 'failing') });
    const crashToast = await waitForToast('The codekin server keeps crashing');
    await window.takeScreenshot('crash');
    if ((await window.page.locator('.notification-toast').count()) > 1) {
        throw new Error('there is more than one message');
    }
    await crashToast.locator('.monaco-button', { hasText: 'Show Log' }).click();
    await window.waitForVisible('.part.panel .view-line', 'server');
    await window.runCommand('codekin: Open Menu');
    await window.waitForVisible('.quick-input-widget', 'the server has crashed');
    await window.waitForVisible('.quick-input-list .monaco-list-row', 'Restart the server');
    await window.takeScreenshot('ended');
});
