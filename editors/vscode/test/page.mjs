// Opens VS Code's page, which has it start an extension host that runs the tests. page.mjs BASE FOLDER EXTENSION TESTS CHROMIUM
import { chromium } from 'playwright-core';

const [, , base, folder, extension, tests, executablePath] = process.argv;
const remote = (path) => `vscode-remote://${new URL(base).host}${path}`;
const payload = JSON.stringify([
    ['extensionDevelopmentPath', remote(extension)],
    ['extensionTestsPath', remote(tests)],
    ['enableProposedApi', ''],
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
]);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const lines = [];
page.on('console', (message) => lines.push(`[${message.type()}] ${message.text().slice(0, 400)}`));
const code = await new Promise((resolve) => {
    const late = setTimeout(() => resolve(124), Number(process.env.MOST_MS ?? 120_000));
    const exit = (value) => (clearTimeout(late), resolve(value));
    void (async () => {
        await page.exposeFunction('codeAutomationLog', async (_type, words) => {
            console.log(...words);
            const { SCREENSHOT, WHEN } = process.env; // a file, and the words that the suite says then
            if (SCREENSHOT && words.join(' ').includes(WHEN)) {
                await page.screenshot({ path: SCREENSHOT });
            }
        });
        await page.exposeFunction('codeAutomationExit', exit);
        await page.goto(`${base}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(payload)}`);
    })().catch((error) => (console.log(String(error)), exit(1)));
});
if (code) {
    console.log(lines.slice(-40).join('\n'));
}
await browser.close();
process.exit(code);
