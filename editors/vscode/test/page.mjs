// Opens VS Code's page, which has it start an extension host that runs the tests. page.mjs BASE OPENED EXTENSION TESTS
// OPENED is a folder or a .code-workspace.
import { chromium } from 'playwright-core';

const [, , base, opened, extension, tests] = process.argv;
const remote = (path) => `vscode-remote://${new URL(base).host}${path}`;
const payload = JSON.stringify([
    ['extensionDevelopmentPath', remote(extension)],
    ['extensionTestsPath', remote(tests)],
    ['enableProposedApi', ''],
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
]);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, permissions: ['clipboard-read', 'clipboard-write'] });
page.setDefaultTimeout(0); // MOST_MS ends it
const lines = [];
page.on('console', (message) => lines.push(`[${message.type()}] ${message.text().slice(0, 400)}`));
const code = await new Promise((resolve) => {
    const late = setTimeout(() => resolve(124), Number(process.env.MOST_MS));
    const exit = (value) => (clearTimeout(late), resolve(value));
    void (async () => {
        await page.exposeFunction('codeAutomationLog', (_type, words) => console.log(...words));
        await page.exposeFunction('codeAutomationExit', exit);
        const kind = opened.endsWith('.code-workspace') ? 'workspace' : 'folder';
        await page.goto(`${base}/?${kind}=${encodeURIComponent(opened)}&payload=${encodeURIComponent(payload)}`);
    })().catch((error) => (console.log(String(error)), exit(1)));
});
if (code) {
    console.log(lines.slice(-40).join('\n'));
}
await browser.close();
process.exit(code);
