// Prints all texts of the source that are translated, as l10n/bundle.l10n.json has them: npm run -s list-texts
import * as fs from 'node:fs';
import ts from 'typescript';

const texts = new Set();

function visit(node, source) {
    if (ts.isCallExpression(node) && /(^|\.)l10n\.t$/.test(node.expression.getText(source))) {
        const [text] = node.arguments;
        if (!ts.isStringLiteral(text)) {
            throw new Error(`${source.fileName}: the text is no literal: ${node.getText(source)}`);
        }
        texts.add(text.text);
    }
    ts.forEachChild(node, (child) => visit(child, source));
}

for (const name of fs.readdirSync('src', { recursive: true }).filter((file) => file.endsWith('.ts'))) {
    const text = fs.readFileSync(`src/${name}`, 'utf8');
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
    visit(source, source);
}
console.log(JSON.stringify(Object.fromEntries([...texts].sort().map((text) => [text, text])), null, 2));
