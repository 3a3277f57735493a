// Takes the screenshot of a repository's map. map.mjs BASE FOLDER SETTINGS PICTURES
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, pictures] = process.argv;

await runInWindow({ base, folder, settings, pictures }, async (window) => {
    await window.page.setViewportSize({ width: 1300, height: 900 });
    window.writeSettings({ 'workbench.colorTheme': 'Default Light Modern' });
    await window.runCommand('codekin: Show Status');
    const frame = window.page.frameLocator('iframe.webview').frameLocator('#active-frame');
    await frame.locator('.tile', { hasText: '100%' }).waitFor({ timeout: Number(process.env.TIMEOUT_MS) }); // indexed
    await frame.locator('#draw-map').click();
    await frame.locator('#map-status', { hasText: /^[\d,]+ functions, / }).waitFor(); // all of them
    await window.takeScreenshot('map');
});
