// Opens VS Code in a browser; its extension host runs the tests. page.mjs BASE WORKSPACE EXTENSION TESTS
// WORKSPACE is a folder or a .code-workspace file.
import { chromium } from 'playwright-core';

const [, , base, workspace, extension, tests] = process.argv;
const toRemoteUri = (path) => `vscode-remote://${new URL(base).host}${path}`;
const payload = JSON.stringify([
    ['extensionDevelopmentPath', toRemoteUri(extension)],
    ['extensionTestsPath', toRemoteUri(tests)],
    ['enableProposedApi', ''],
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
]);
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
});
const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
});
page.setDefaultTimeout(0); // TIMEOUT_MS limits the whole run
const consoleLines = [];
page.on('console', (message) => consoleLines.push(`[${message.type()}] ${message.text().slice(0, 400)}`));
const exitCode = await new Promise((resolve) => {
    const timeout = setTimeout(() => resolve(124), Number(process.env.TIMEOUT_MS));
    const exit = (value) => {
        clearTimeout(timeout);
        resolve(value);
    };
    void (async () => {
        await page.exposeFunction('codeAutomationLog', (_type, values) => console.log(...values));
        await page.exposeFunction('codeAutomationExit', exit);
        const kind = workspace.endsWith('.code-workspace') ? 'workspace' : 'folder';
        await page.goto(`${base}/?${kind}=${encodeURIComponent(workspace)}&payload=${encodeURIComponent(payload)}`);
    })().catch((error) => {
        console.log(String(error));
        exit(1);
    });
});
if (exitCode) {
    console.log(consoleLines.slice(-40).join('\n'));
}
await browser.close();
process.exit(exitCode);
