/** Texts in German, by the bundle that VS Code would load. */

import * as assert from 'node:assert/strict';
import german from '../../l10n/bundle.l10n.de.json';
import {
    formatAnswerNote,
    formatBytes,
    formatCount,
    formatDuration,
    formatIndexState,
    getKinshipLabel,
} from '../../src/format';
import { setLanguage, t } from '../../src/l10n';
import type { Status } from '../../src/protocol';

describe('Texts', () => {
    afterEach(() => setLanguage('en', undefined));

    it('are translated, with numbers as the language writes them', () => {
        setLanguage('de', german);
        assert.equal(formatCount(68_616, 'function'), '68.616 Funktionen');
        assert.equal(formatCount(1, 'file'), '1 Datei');
        assert.equal(formatBytes(2_500_000), '2,5 MB');
        assert.equal(formatDuration(1114), '19 Minuten');
        assert.equal(getKinshipLabel('renamed'), 'umbenannt');
        assert.equal(formatAnswerNote(1, 0.42, ''), 'Bisher sind 42\u00a0% des Arbeitsbereichs indiziert.');
        const status = { state: 'indexing', progress: { done: 1, total: 4, secondsLeft: null } } as Status;
        assert.equal(formatIndexState(status), 'Indizierung 25\u00a0%');
    });

    it('are English where there is no translation', () => {
        setLanguage('fr', undefined);
        assert.equal(formatCount(2_000, 'file'), '2,000 files');
        assert.equal(t('{0} of {1}', 1, '$&'), '1 of $&');
        assert.deepEqual([0.2, 89.5, 95].map(formatDuration), ['1 second', '90 seconds', '2 minutes']);
    });
});
