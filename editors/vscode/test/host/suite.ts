/** Tests the extension in a workspace of one folder. */

import { defineCompletionsTests } from './completions';
import { defineDuplicatesTests } from './duplicates';
import { defineGrowthTests } from './growth';
import { defineLanguageModelsTests } from './languageModels';
import { defineNotebooksTests } from './notebooks';
import { defineSearchTests } from './search';
import { defineServerTests } from './server';
import { defineSimilarTests } from './similar';
import { startExtension } from './window';

export function defineSuite(): void {
    describe('The extension', () => {
        before(startExtension);
        defineCompletionsTests(); // first: other tests copy the function that is suggested
        defineSimilarTests();
        defineNotebooksTests();
        defineSearchTests();
        describe('while the index grows', defineGrowthTests);
        defineDuplicatesTests();
        defineLanguageModelsTests();
        defineServerTests();
    });
}
