// The extension in a German VS Code. german.mjs BASE FOLDER SETTINGS [PICTURES]
// The language pack translates no text of VS Code itself.
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, pictures] = process.argv;

await runInWindow({ base, folder, settings, pictures, locale: 'de' }, async (window) => {
    await window.openFromExplorer('shop/orders.py');
    await window.waitForVisible('.statusbar-item .codicon-sparkle'); // indexed
    const statusItem = await window.waitForVisible('.statusbar-item', 'codekin');
    await window.hoverUntil(statusItem, /codekin \d+\.\d+\.\d+: bereit/);
    await window.leaveHover(statusItem);
    await statusItem.click();
    await window.waitForVisible('.quick-input-list .monaco-list-row', 'Indizierung anhalten');
    await window.takeScreenshot('menu-german');
    await window.pressKeys('Escape');
    await window.goToLine('shop/orders.py', 6);
    await window.runCommand('codekin: Ähnlichen Code suchen');
    await window.waitForVisible('.pane-body .monaco-list-row', 'Ähnlich wie total_price');
    await window.waitForVisible('.pane-body .monaco-list-row', /umbenannt|identisch/);
    await window.takeScreenshot('similar-german');
    await window.runCommand('codekin: Status anzeigen');
    const frame = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    await frame.locator('#map-status', { hasText: /Funktionen/ }).waitFor({ timeout: 30_000 });
    await frame.locator('h2', { hasText: 'Übersprungene Dateien' }).waitFor();
    await window.takeScreenshot('status-german');
    await window.closeTab();
    await window.runCommand('Preferences: Open Settings (UI)');
    await window.waitForVisible('.settings-editor .settings-header');
    await window.typeText('codekin.completion.floor');
    await window.waitForVisible('.setting-item-description', 'Mindestwahrscheinlichkeit');
    await window.takeScreenshot('settings-german');
    await window.pressKeys('Escape');
    await window.waitForHidden('.settings-editor');
    await window.runCommand('codekin: Erste Schritte');
    await window.waitForVisible('.getting-started-step', 'Nach Bedeutung suchen');
    for (const step of ['server', 'similar']) {
        await window.waitForVisible(`[data-done-step-id$="#${step}"].complete`); // done before the walkthrough was opened
    }
    await window.takeScreenshot('walkthrough-german');
});
