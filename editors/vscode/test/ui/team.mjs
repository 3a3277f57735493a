// A user of a team's index sees hits of repositories that she may read. team.mjs BASE FOLDER SETTINGS QUESTION HIT HIDDEN-QUESTION HIDDEN
// HIDDEN-QUESTION is asked once QUESTION has had the team's HIT; its HIDDEN hit is in a repository that she may not read.
import { runInWindow } from './window.mjs';

const [, , base, folder, settings, question, hit, hiddenQuestion, hidden] = process.argv;
const ROW = '.quick-input-list .monaco-list-row';
const RETRY_MS = 10_000;

await runInWindow({ base, folder, settings }, async (window) => {
    /** Ask until the team has answered with a hit: it is left out of an answer that a busy machine gives late. */
    async function askUntil(text, expected) {
        const row = window.page.locator(ROW).filter({ hasText: expected }).first();
        for (;;) {
            const input = await window.openQuickInput('Control+K', 'Shift+G');
            await input.fill('');
            await input.fill(text);
            try {
                return await row.waitFor({ timeout: RETRY_MS });
            } catch {} // the scenario's own timeout ends this
        }
    }

    await window.waitForVisible('.statusbar-item', 'codekin');
    await askUntil(question, hit);
    if (hiddenQuestion) {
        const input = await window.openQuickInput('Control+K', 'Shift+G');
        await input.fill(hiddenQuestion);
        await window.page.waitForTimeout(RETRY_MS);
        if (await window.page.locator(ROW).filter({ hasText: hidden }).count()) {
            throw new Error(`${hidden} is shown`);
        }
        await askUntil(question, hit); // the team still answers
    }
});
