// What goes wrong, and what a person is told and can do then. mishaps.mjs BASE FOLDER SETTINGS PROGRAMS INSTALLER [PICTURES]
// PROGRAMS has servers that are of another version (old) or end at once (failing). None is found at first.
import * as path from 'node:path';
import { inWindow } from './window.mjs';

const [, , base, folder, settings, programs, installer, pictures] = process.argv;

await inWindow({ base, folder, settings, pictures }, async (window) => {
    const toast = (text) => window.sees('.notification-toast', text);
    const dialog = async (text, button, picture) => {
        await window.sees('.monaco-dialog-box', text);
        await window.picture(picture);
        await (await window.sees('.monaco-dialog-box .monaco-button', button)).click();
    };
    async function dismiss() {
        await window.command('Notifications: Clear All Notifications');
        await window.loses('.notification-toast');
    }

    await window.sees('.statusbar-item', 'Restricted Mode');

    const missing = await toast('was not found in the selected interpreter or on PATH');
    await window.picture('missing');
    await missing.locator('.monaco-button', { hasText: 'Install Server' }).click();
    const going = toast(/making a virtual environment|installing/); // uv is soon done with the first
    await dialog('Makes a virtual environment', `Install with ${installer}`, 'install');
    await going;
    await window.picture('installing');
    await toast('the server is installed');
    await dismiss();
    await window.explore('shop/orders.py');
    await window.open('shop/orders.py', 6);
    await window.press('Control+K', 'k');
    await window.sees('.pane-body .monaco-list-row', 'invoice_total');

    window.configure({ 'codekin.path': path.join(programs, 'none') });
    await toast('is no program');
    await dismiss();
    window.configure({ 'codekin.path': path.join(programs, 'old') });
    await toast('the server is version 0.0.9');
    await window.picture('version');
    await dismiss();
    window.configure({ 'codekin.path': path.join(programs, 'failing') });
    const ends = await toast('the server ends again and again');
    await window.picture('crash');
    if ((await window.page.locator('.notification-toast').count()) > 1) {
        throw new Error('more than one message');
    }
    await ends.locator('.monaco-button', { hasText: 'Show Log' }).click();
    await window.sees('.part.panel .view-line', 'server');
    await window.command('codekin: Actions');
    await window.sees('.quick-input-widget', 'the server has ended');
    await window.sees('.quick-input-list .monaco-list-row', 'Restart server');
    await window.picture('ended');
});
