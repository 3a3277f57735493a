// Takes the screenshot of a repository's map. map.mjs BASE FOLDER SETTINGS PICTURES
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, pictures] = process.argv;

await runInWindow({ base, folder, settings, pictures }, async (window) => {
    await window.page.setViewportSize({ width: 1300, height: 900 });
    window.writeSettings({ 'workbench.colorTheme': 'Default Light Modern' });
    await window.waitForVisible('.statusbar-item', 'codekin'); // the extension is active
    await window.runCommand('codekin: Show Status');
    const frame = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    const timeout = Number(process.env.TIMEOUT_MS);
    await frame.locator('#title', { hasText: 'ready' }).waitFor({ timeout }); // then all of it is drawn
    await frame.locator('#map-status', { hasText: /^[\d,]+ functions, / }).waitFor({ timeout });
    await window.takeScreenshot('map');
});
