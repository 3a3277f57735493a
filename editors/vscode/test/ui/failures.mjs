// Failures of the server, their messages and remedies. failures.mjs BASE FOLDER SETTINGS PROGRAMS INSTALLER [PICTURES]
// PROGRAMS contains servers of another version (old), that never finish (indexing), never answer (mute) and exit at once (failing).
// None is found at first.
import * as path from 'node:path';
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, programs, installer, pictures] = process.argv;

await runInWindow({ base, folder, settings, pictures }, async (window) => {
    const waitForToast = (text) => window.waitForVisible('.notification-toast', text);
    const acceptDialog = async (text, button, picture) => {
        await window.waitForVisible('.monaco-dialog-box', text);
        if (picture) {
            await window.takeScreenshot(picture);
        }
        await (await window.waitForVisible('.monaco-dialog-box .monaco-button', button)).click();
    };
    async function dismissToasts() {
        await window.runCommand('Notifications: Clear All Notifications');
        await window.waitForHidden('.notification-toast');
    }

    /** Click on the view's button until the dialog has the text: a setting just written takes effect later. */
    const openInstallDialog = (text) =>
        window.repeatUntil(async () => {
            await (await window.waitForVisible('.pane-body .monaco-button', 'Install the Server')).click();
            const dialog = window.page.locator('.monaco-dialog-box', { hasText: text });
            await dialog.waitFor({ timeout: 5_000 }).catch(async (error) => {
                await window.pressKeys('Escape');
                throw error;
            });
        }, `no dialog contains ${text}`);

    await window.waitForVisible('.statusbar-item', 'Restricted Mode');

    await window.waitForVisible('.statusbar-item.error-kind', 'codekin'); // the extension is active
    await window.runCommand('Focus on Similar Code View');
    const welcome = '.pane-body .welcome-view-content';
    await window.waitForVisible(welcome, 'The codekin server is not installed');
    await window.waitForVisible('.pane-body .monaco-button', 'Choose Path');
    await window.takeScreenshot('missing');
    await window.openQuickInput('Control+K', 'Shift+G');
    await window.waitForVisible('.quick-input-widget', 'Search by Meaning');
    await window.typeText('total price');
    await window.waitForVisible('.quick-input-list .monaco-list-row', 'Install the server');
    await window.takeScreenshot('missing-search');
    await window.pressKeys('Enter');
    await acceptDialog('Creates a virtual environment', 'Cancel');
    const { 'codekin.package': wheel } = window.readSettings();
    window.writeSettings({ 'codekin.package': '' });
    await openInstallDialog('installed from a clone');
    await acceptDialog('installed from a clone', 'Choose Folder');
    await window.waitForVisible('.quick-input-list .monaco-list-row', 'shop'); // of the workspace, which is no clone
    const chooseButton = await window.waitForVisible('.quick-input-widget .monaco-button', 'Install from This Folder');
    await window.repeatUntil(async () => {
        if (await chooseButton.isVisible()) {
            await chooseButton.click({ timeout: 2_000 });
        }
        await window.page.locator('.monaco-dialog-box', { hasText: 'is not a clone' }).waitFor({ timeout: 5_000 });
    }, 'the folder is not refused');
    await acceptDialog('is not a clone of codekin', 'Cancel');
    window.writeSettings({ 'codekin.package': wheel });
    await openInstallDialog('Creates a virtual environment'); // the first attempt has ended
    const progress = Promise.all([
        waitForToast(/Creating a virtual environment|Installing codekin/), // uv finishes the first step at once
        window.waitForVisible('.statusbar-item', 'installing'),
        window.waitForVisible(welcome, 'is being installed'),
    ]);
    await acceptDialog('Creates a virtual environment', `Install with ${installer}`, 'install');
    await progress;
    await window.takeScreenshot('installing');
    await waitForToast('Missing is the small model (ONNX Runtime)'); // the package that it needs is nowhere
    await window.takeScreenshot('installed-in-part');
    await dismissToasts();
    await window.runCommand('codekin: Show Status');
    const statusPage = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    await statusPage.locator('#problems', { hasText: 'Not installed is the small model' }).waitFor();
    await window.takeScreenshot('installed-in-part-status');
    await window.closeTab();
    await window.pressKeys('Control+Shift+E');
    await window.openFromExplorer('shop/orders.py');
    await window.goToLine('shop/orders.py', 6);
    await window.pressKeys('Control+K', 'g');
    await window.waitForVisible('.pane-body .monaco-list-row', 'invoice_total');

    window.writeSettings({ 'codekin.path': path.join(programs, 'none') });
    await window.waitForVisible(welcome, 'does not point to an executable');
    await window.takeScreenshot('invalid-path');
    window.writeSettings({ 'codekin.path': path.join(programs, 'old') });
    const versionToast = await waitForToast('server is version 0.0.9');
    await window.takeScreenshot('version');
    await versionToast.locator('.monaco-button', { hasText: 'Install Server' }).click();
    await acceptDialog('Creates a virtual environment', `Install with ${installer}`);
    await waitForToast('The codekin server is installed');
    await dismissToasts();
    const statusItem = await window.waitForVisible('.statusbar-item', 'codekin');
    await window.hoverUntil(statusItem, /codekin 0\.[1-9]/); // not the old one again
    await window.leaveHover(statusItem);
    window.writeSettings({ 'codekin.path': path.join(programs, 'indexing') });
    await window.waitForVisible('.statusbar-item', 'codekin: Indexing: 1 of 200 files');
    await window.takeScreenshot('indexing');
    window.writeSettings({ 'codekin.path': path.join(programs, 'mute') });
    const silenceToast = await waitForToast('did not answer within');
    await window.takeScreenshot('mute');
    await silenceToast.locator('.monaco-button', { hasText: 'Show Log' }).waitFor();
    await silenceToast.locator('.monaco-button', { hasText: 'Retry' }).click();
    await window.waitForVisible('.statusbar-item [class*="codicon-sync"]'); // it is starting
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
    await window.waitForVisible('.quick-input-list .monaco-list-row.focused', 'Restart the server'); // the first
    if (await window.page.locator('.quick-input-list .monaco-list-row', { hasText: 'off for log' }).count()) {
        throw new Error('the log is taken for code');
    }
    await window.takeScreenshot('ended');
});
